import Config

config :kv, greeting: "from runtime.exs", root: System.fetch_env!("RELEASE_ROOT")

# A number, or "none" for a store that nobody reaches from outside.
case System.get_env("KV_PORT") do
  nil -> :ok
  "none" -> config :kv, port: nil
  port -> config :kv, port: String.to_integer(port)
end
