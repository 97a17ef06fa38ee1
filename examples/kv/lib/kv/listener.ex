defmodule Kv.Listener do
  @moduledoc """
  Lines over TCP: `PUT KEY VALUE`, `GET KEY`, `KEYS`, `STOP`. Each connection is a process of its own.
  """
  use GenServer

  def start_link(port), do: GenServer.start_link(__MODULE__, port, name: __MODULE__)

  @impl true
  def init(port) do
    options = [:binary, packet: :line, active: false, reuseaddr: true]

    case :gen_tcp.listen(port, options) do
      {:ok, socket} ->
        {:ok, port} = :inet.port(socket)
        IO.puts("kv: listening on port #{port}")
        {:ok, _} = Task.Supervisor.start_child(Kv.Connections, fn -> accept(socket) end)
        {:ok, socket}

      {:error, reason} ->
        {:stop, {:listen, port, reason}}
    end
  end

  defp accept(socket) do
    {:ok, connection} = :gen_tcp.accept(socket)
    {:ok, pid} = Task.Supervisor.start_child(Kv.Connections, fn -> serve(connection) end)
    :ok = :gen_tcp.controlling_process(connection, pid)
    accept(socket)
  end

  defp serve(connection) do
    with {:ok, line} <- :gen_tcp.recv(connection, 0),
         :ok <- :gen_tcp.send(connection, [answer(String.split(line)), "\n"]) do
      serve(connection)
    end
  end

  defp answer(["PUT", key, value]) do
    :ok = Kv.Store.put(key, value)
    "OK"
  end

  defp answer(["GET", key]) do
    case Kv.Store.get(key) do
      {:ok, value} -> "VALUE #{value}"
      :error -> "NONE"
    end
  end

  defp answer(["KEYS"]), do: Enum.join(["KEYS" | Kv.Store.keys()], " ")

  defp answer(["STOP"]) do
    System.stop(0)
    "BYE"
  end

  defp answer(_), do: "ERROR"
end
