import Config

config :kv, greeting: "from config.exs", port: 7070
config :logger, level: :notice
