defmodule Kv.Store do
  @moduledoc "The pairs: a map in one process."
  use GenServer

  def start_link(_options), do: GenServer.start_link(__MODULE__, %{}, name: __MODULE__)

  def put(key, value), do: GenServer.call(__MODULE__, {:put, key, value})
  def get(key), do: GenServer.call(__MODULE__, {:get, key})
  def keys, do: GenServer.call(__MODULE__, :keys)

  @impl true
  def init(pairs), do: {:ok, pairs}

  @impl true
  def handle_call({:put, key, value}, _from, pairs), do: {:reply, :ok, Map.put(pairs, key, value)}
  def handle_call({:get, key}, _from, pairs), do: {:reply, Map.fetch(pairs, key), pairs}
  def handle_call(:keys, _from, pairs), do: {:reply, pairs |> Map.keys() |> Enum.sort(), pairs}
end
