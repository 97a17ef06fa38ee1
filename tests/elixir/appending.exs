# What an older compiler made private appends of: Base, URI and Macro.
long = for i <- 1..3000, into: "", do: <<rem(i * 7, 256)>>
for n <- [0, 1, 2, 3, 60, 64, 65, 100, 500, 3000] do
  b = binary_part(long, 0, n)
  for {e, d} <- [{&Base.encode16/1, &Base.decode16!/1}, {&Base.encode32/1, &Base.decode32!/1}, {&Base.encode64/1, &Base.decode64!/1}, {&Base.hex_encode32/1, &Base.hex_decode32!/1}, {&Base.url_encode64/1, &Base.url_decode64!/1}, {&URI.encode_www_form/1, &URI.decode_www_form/1}] do
    t = e.(b)
    IO.inspect({n, byte_size(t), :erlang.crc32(t), d.(t) == b})
  end
end
IO.inspect Macro.camelize("foo_bar/baz_q")
IO.inspect Macro.underscore("FooBar.BazQ")
IO.puts Macro.to_string(quote do: (a + b * (c - 1); foo(x, "s\n#{y}", ~s/a/)))
IO.inspect Macro.unescape_string("a\\nb\\x41\\u00e9")
