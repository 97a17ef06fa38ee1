# Processes as Elixir has them, and the world outside: programs, files, templates. Run in an empty directory.
defmodule Stack do
  use GenServer
  def start_link(a, o \\ []), do: GenServer.start_link(__MODULE__, a, o)
  @impl true
  def init(a), do: {:ok, a}
  @impl true
  def handle_call(:pop, _from, [h | t]), do: {:reply, h, t}
  def handle_call(:crash, _from, _), do: raise("crashed on purpose")
  @impl true
  def handle_cast({:push, x}, s), do: {:noreply, [x | s]}
  @impl true
  def handle_info(m, s) do IO.inspect({:info, m}); {:noreply, s} end
  @impl true
  def terminate(r, _), do: IO.inspect({:terminate, elem_or(r)})
  defp elem_or({x, _}), do: x
  defp elem_or(x), do: x
end
{:ok, p} = Stack.start_link([1, 2])
GenServer.cast(p, {:push, 9})
IO.inspect [GenServer.call(p, :pop), GenServer.call(p, :pop)]
send(p, :hello)
IO.inspect :sys.get_state(p)
GenServer.stop(p)
{:ok, sup} = Supervisor.start_link([Supervisor.child_spec({Stack, []}, id: :s1), {Agent, fn -> 5 end}, {Task.Supervisor, name: TS}, {Registry, keys: :unique, name: Reg}, {DynamicSupervisor, name: DS, strategy: :one_for_one}], strategy: :one_for_one)
IO.inspect Supervisor.count_children(sup)
IO.inspect Task.async(fn -> 1 + 1 end) |> Task.await
IO.inspect 1..5 |> Task.async_stream(fn x -> x * x end, max_concurrency: 2) |> Enum.to_list
IO.inspect Task.Supervisor.async_nolink(TS, fn -> :ok end) |> Task.await
IO.inspect Task.yield_many([Task.async(fn -> :a end), Task.async(fn -> Process.sleep(5); :b end)], 1000) |> Enum.map(&elem(&1, 1))
{:ok, a} = Agent.start_link(fn -> %{} end)
Agent.update(a, &Map.put(&1, :k, 1))
IO.inspect Agent.get(a, & &1)
{:ok, _} = Registry.register(Reg, "me", :v)
IO.inspect Registry.lookup(Reg, "me") |> Enum.map(fn {p, v} -> {p == self(), v} end)
{:ok, _} = DynamicSupervisor.start_child(DS, {Stack, [1]})
IO.inspect DynamicSupervisor.count_children(DS)
me = self()
pid = spawn(fn -> receive do {:ping, f} -> send(f, :pong) end end)
send(pid, {:ping, me})
receive do m -> IO.inspect m after 1000 -> IO.puts "timeout" end
defmodule Mon do def f do {pid, ref} = spawn_monitor(fn -> exit(:boom) end); receive do {:DOWN, ^ref, :process, ^pid, r} -> IO.inspect r end end end
Mon.f
Process.flag(:trap_exit, true)
l = spawn_link(fn -> exit({:shutdown, 1}) end)
receive do {:EXIT, ^l, r} -> IO.inspect r end
Process.put(:k, :v); IO.inspect Process.get_keys() |> Enum.member?(:k)
Process.send_after(self(), :later, 10)
receive do x -> IO.inspect x end
Process.register(self(), :main)
IO.inspect Process.whereis(:main) == self()
IO.inspect Process.alive?(self())
t = :ets.new(:t, [:set, :public])
:ets.insert(t, {:a, 1})
IO.inspect :ets.tab2list(t)
IO.inspect(try do Task.await(Task.async(fn -> Process.sleep(:infinity) end), 20) catch :exit, {r, _} -> r end)
IO.inspect :persistent_term.put(:k, 1)
IO.inspect Node.self
IO.inspect System.monotonic_time() |> is_integer
IO.inspect System.cmd("echo", ["a", "b"])
IO.inspect System.cmd("sh", ["-c", "echo err >&2; exit 3"], stderr_to_stdout: true)
IO.inspect System.shell("echo $((1+2))")
IO.inspect System.find_executable("sh")
IO.inspect(try do System.cmd("nonexistent_zz", []) rescue e -> Exception.message(e) end)
File.mkdir_p!("t/a/b")
File.write!("t/a/f.txt", "line1\nline2\nåäö\n")
IO.inspect File.read!("t/a/f.txt")
IO.inspect File.stream!("t/a/f.txt") |> Enum.map(&String.trim/1)
IO.inspect File.ls!("t/a") |> Enum.sort
IO.inspect Path.wildcard("t/**/*") |> Enum.sort
IO.inspect File.stat!("t/a/f.txt").size
IO.inspect File.cp_r!("t/a", "t/c") |> Enum.sort
File.open!("t/g", [:write, :utf8], fn f -> IO.write(f, "hé"); IO.puts(f, "x") end)
IO.inspect File.read("t/g")
IO.inspect File.read("t/nope")
IO.inspect(try do File.read!("t/nope") rescue e -> Exception.message(e) end)
IO.inspect File.rm_rf!("t") |> Enum.sort
{:ok, io} = StringIO.open("in put\nl2")
IO.inspect IO.read(io, :line)
IO.inspect IO.gets(io, "?")
IO.inspect StringIO.contents(io)
IO.inspect EEx.eval_string("<%= for x <- 1..3 do %>x=<%= x %>\n<% end %>done <%= @a %>", assigns: [a: 1])
defmodule T do
  require EEx
  EEx.function_from_string(:def, :t, "<%= a %> <b><%= if b do %>yes<% else %>no<% end %></b>", [:a, :b])
end
IO.puts T.t("x", false)
IO.inspect Stack.__info__(:module)
IO.inspect System.argv
IO.inspect GenServer.whereis(:main) == self()
IO.puts :stderr, "to stderr"
IO.inspect Application.get_env(:logger, :level)
IO.inspect Application.spec(:elixir, :vsn)
IO.inspect System.version
Supervisor.stop(sup)
System.halt(3)
