import Config

config :kv, greeting: "from runtime.exs", root: System.fetch_env!("RELEASE_ROOT")

if port = System.get_env("KV_PORT") do
  config :kv, port: String.to_integer(port)
end
