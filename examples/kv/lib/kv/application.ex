defmodule Kv.Application do
  @moduledoc "A store and a listener. The listener ends with the store, whose contents its clients saw."
  use Application

  @impl true
  def start(_type, _args) do
    port = Application.fetch_env!(:kv, :port)
    IO.puts("kv: #{Application.fetch_env!(:kv, :greeting)}, #{inspect(node())}")
    children = [Kv.Store, {Task.Supervisor, name: Kv.Connections}]
    listener = if port, do: [{Kv.Listener, port}], else: []
    Supervisor.start_link(children ++ listener, strategy: :rest_for_one, name: Kv.Supervisor)
  end
end
