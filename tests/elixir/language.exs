# Elixir as its users write it: protocols, macros, structs, comprehensions, streams, text, regular expressions, dates, errors.
defprotocol Shape do
  @fallback_to_any true
  def area(s)
end
defmodule Circle do
  defstruct r: 1.0
end
defmodule Rect do
  @enforce_keys [:w, :h]
  defstruct [:w, :h]
end
defimpl Shape, for: Circle do
  def area(%{r: r}), do: Float.round(3.14159 * r * r, 3)
end
defimpl Shape, for: Rect do
  def area(%Rect{w: w, h: h}), do: w * h
end
defimpl Shape, for: Any do
  def area(_), do: :none
end
IO.inspect((Enum.map([struct(Circle, r: 2.0), struct(Rect, w: 2, h: 3), 17], &Shape.area/1)))
defmodule M do
  defmacro unless2(c, do: b), do: quote(do: if(!unquote(c), do: unquote(b)))
  defmacro __using__(_), do: quote(do: (import M; @before_compile M))
  defmacro __before_compile__(_env), do: quote(do: def(bc, do: :before))
end
defmodule U do
  use M
  @moduledoc "doc"
  @attr Enum.sum(1..10)
  def f(x), do: unless2(x > 3, do: {:small, x, @attr})
  def g(x) when is_integer(x) and x > 0, do: :pos
  def g(x) when is_binary(x), do: :bin
  def h(a, b \\ 2, c \\ 3), do: a + b * c
  defguard is_even(x) when rem(x, 2) == 0
  def e(x) when is_even(x), do: :even
  def e(_), do: :odd
  defdelegate len(x), to: Kernel, as: :length
end
IO.inspect(({U.f(1), U.f(5), U.bc, U.g(2), U.g("a"), U.h(1), U.h(1,1), U.h(1,1,1), U.e(2), U.e(3), U.len([1])}))
IO.inspect((U.__info__(:functions)))
for {x, y} <- [{1, 2}, {3, 4}], z <- [:a, :b], x > 0, reduce: [] do acc -> [{x, y, z} | acc] end |> IO.inspect
IO.inspect((for <<c <- "hello">>, into: "", do: <<c + 1>>))
IO.inspect((for x <- 1..10, uniq: true, do: rem(x, 3)))
IO.inspect((with {:ok, a} <- Map.fetch(%{a: 1}, :a), {:ok, b} <- Map.fetch(%{}, :b) do a + b else e -> {:else, e} end))
IO.inspect((1..20 |> Stream.filter(&(rem(&1, 3) == 0)) |> Stream.map(&(&1 * &1)) |> Enum.take(3)))
IO.inspect((Stream.unfold({0, 1}, fn {a, b} -> {a, {b, a + b}} end) |> Enum.take(15)))
IO.inspect((Stream.cycle([1, 2]) |> Stream.zip(Stream.iterate(0, &(&1 + 1))) |> Enum.take(4)))
IO.inspect Stream.resource(fn -> 0 end, fn 3 -> {:halt, 3}; n -> {[n], n + 1} end, fn _ -> IO.puts("done") end) |> Enum.to_list
IO.inspect(Enum.chunk_every(1..10, 3), charlists: :as_lists)
IO.inspect((Enum.group_by(~w(a bb cc d), &byte_size/1)))
IO.inspect((Enum.sort_by([%{a: 3}, %{a: 1}], & &1.a)))
IO.inspect(Enum.zip_with([1, 2], [3, 4], &+/2), charlists: :as_lists)
IO.inspect((Enum.frequencies(~w(a b a))))
IO.inspect(Map.new(1..40, &{&1, &1 * 2}) |> Enum.sort |> Enum.take(3))
IO.inspect((Map.merge(%{a: 1, b: 2}, %{b: 3}, fn _, x, y -> x + y end)))
IO.inspect((update_in(%{a: %{b: [1, 2]}}, [:a, :b, Access.at(0)], &(&1 + 1))))
IO.inspect((get_in(%{a: [%{b: 1}, %{b: 2}]}, [:a, Access.all(), :b])))
IO.inspect((String.upcase("straße éàü ß ŉ")))
IO.inspect((String.downcase("ÀÉÎ İSTANBUL ΑΣ")))
IO.inspect((String.capitalize("élan vital")))
IO.inspect((String.normalize("é", :nfd) |> String.codepoints))
IO.inspect((String.normalize("e\u0301", :nfc)))
IO.inspect((String.graphemes("👨‍👩‍👧‍👦e\u0301🇸🇪한")))
IO.inspect(String.length("👨‍👩‍👧‍👦abc"), label: "len")
IO.inspect String.split("a,b;c", [",", ";"])
IO.inspect((String.reverse("e\u0301x")))
IO.inspect((String.jaro_distance("martha", "marhta")))
IO.inspect((String.myers_difference("fox hops over", "fox jumps over")))
IO.inspect((String.pad_leading("x", 5, "ab")))
IO.inspect((String.to_charlist("héj")))
IO.inspect(('abc'))
IO.inspect(([1, 2, 300]))
IO.inspect((<<1, 2, 3::4>>))
IO.inspect(("a\0b\x7f\u200b"))
IO.inspect((:"hello world"))
IO.inspect((&String.upcase/1))
IO.inspect((%{__struct__: Foo, a: 1}))
IO.inspect((MapSet.new([3, 1, 2])))
IO.inspect((1..10//3))
IO.inspect((Regex.named_captures(~r/(?<y>\d{4})-(?<m>\d\d)/, "on 2022-11-22")))
IO.inspect((Regex.scan(~r/[a-z]+/u, "abc déf ghi")))
IO.inspect((Regex.replace(~r/(\w)(\d)/, "a1 b2", "\\2\\1")))
IO.inspect((Regex.replace(~r/\d+/, "a12 b3", fn x -> "<#{x}>" end)))
IO.inspect((Regex.run(~r/a(?<foo>b)c/x, "abc", capture: :all_names)))
IO.inspect((Regex.split(~r/\s*,\s*/, "a , b,c", include_captures: true)))
IO.inspect(("foo" =~ ~r/O/i))
IO.inspect((Regex.compile("a(")))
IO.inspect((~r/a\/b/imsu))
IO.inspect((Date.new!(2024, 2, 29) |> Date.add(366)))
IO.inspect((Date.range(~D[2022-01-01], ~D[2022-01-03]) |> Enum.map(&Date.day_of_week/1)))
IO.inspect((DateTime.from_unix!(1_700_000_000)))
IO.inspect((DateTime.add(~U[2022-11-22 10:00:00.123Z], 3600, :second)))
IO.inspect((NaiveDateTime.diff(~N[2022-11-22 10:00:00], ~N[2021-11-22 10:00:00])))
IO.inspect((Calendar.strftime(~U[2022-11-22 10:00:00Z], "%Y-%m-%d %A %B %j %p %I:%M")))
IO.inspect((Time.truncate(~T[10:11:12.345678], :millisecond)))
IO.inspect((DateTime.from_iso8601("2022-11-22T10:00:00+02:30")))
IO.inspect((Date.from_iso8601("2022-13-22")))
IO.inspect((Integer.digits(1234567890123456789012, 1000)))
IO.inspect((Integer.parse("12abc")))
IO.inspect((Float.parse("1.5e3x")))
IO.inspect((Float.ratio(0.1)))
IO.inspect((Float.round(2.675, 2)))
IO.inspect((Float.to_string(1.0e-7)))
IO.inspect(({1.0e22, 1.5, 0.1 + 0.2, -0.0}))
IO.inspect((Integer.pow(3, 200)))
IO.inspect((Version.match?("1.14.2", "~> 1.13")))
IO.inspect((Version.compare("1.0.0-rc1", "1.0.0")))
IO.inspect Code.eval_string("x = 1 + y; x * 2", y: 3)
IO.puts Macro.to_string(quote do: fn x when x > 1 -> x |> foo(1) end)
IO.inspect((quote(do: unquote(1) + foo.bar)))
x = 5
^x = 5
IO.inspect((binding()))
IO.inspect(try do throw(:x) catch k, v -> {k, v} end)
IO.inspect(try do exit(:bye) catch :exit, v -> v end)
IO.inspect(try do raise ArgumentError rescue e in ArgumentError -> Exception.message(e) end)
IO.inspect(try do :erlang.binary_to_atom(1) rescue e -> Exception.message(e) end)
IO.inspect(try do Map.fetch!(%{a: 1}, :b) rescue e -> Exception.message(e) end)
IO.inspect(try do U.nope(1) rescue e -> Exception.message(e) end)
IO.inspect(try do U.g(:x) rescue e -> Exception.blame(:error, e, __STACKTRACE__) |> elem(0) |> Exception.message end)
IO.inspect(try do hd([]) rescue e -> Exception.message(e) end)
IO.inspect(try do 1 + :a rescue e -> Exception.message(e) end)
IO.inspect(try do 1 / 0 rescue e -> Exception.message(e) end)
IO.inspect(try do <<x::size(-1)>> rescue e -> Exception.message(e) end)
IO.inspect(try do :ets.lookup(:nope, 1) rescue e -> Exception.message(e) end)
IO.inspect(try do List.to_existing_atom('qqqq_zz') rescue e -> Exception.message(e) end)
IO.inspect(try do String.to_integer("zz") rescue e -> Exception.message(e) end)
IO.inspect(try do struct!(Rect, []) rescue e -> Exception.message(e) end)
IO.inspect([a: 1, b: [c: 2]], pretty: true, width: 5)
IO.inspect(%{a: "x", b: :c, d: nil, e: 1.0}, syntax_colors: IO.ANSI.syntax_colors())
IO.puts IO.ANSI.format([:red, "x", :bright, "y"], true)
IO.inspect(Enum.to_list(1..200), limit: 5)
IO.inspect((Bitwise.bxor(5, 3)))
IO.inspect((Enum.reduce_while(1..100, 0, fn x, a -> if x < 5, do: {:cont, a + x}, else: {:halt, a} end)))
IO.inspect((Keyword.validate([a: 1], [:a, b: 2])))
IO.inspect((List.flatten([1, [2, [3]]]) |> List.insert_at(1, :x)))
IO.inspect((Tuple.append({1}, 2)))
IO.inspect((:maps.filter(fn _, v -> v > 1 end, %{a: 1, b: 2})))
IO.inspect((Path.join(["a", "/b", "../c"]) |> Path.expand("/x")))
IO.inspect(({Path.basename("/a/b.ex", ".ex"), Path.extname("x.tar.gz"), Path.relative_to("/a/b/c", "/a"), Path.type("a")}))
IO.inspect((URI.parse("https://user:pw@host:81/p/a?q=1#f") |> Map.from_struct |> Enum.sort))
IO.puts URI.to_string(URI.merge("http://a/b/c", "../d"))
IO.inspect((URI.decode_query("a=1&b=%20x")))
IO.inspect((URI.encode_query(%{"a b" => "c&d"})))
