defmodule Kv.MixProject do
  use Mix.Project

  # The configuration is read when the machine starts (config/runtime.exs); KV_REBOOT=1, when the release is built, makes it restart with it.
  def project do
    reboot = System.get_env("KV_REBOOT") == "1"

    [
      app: :kv,
      version: "1.0.0",
      elixir: "~> 1.14",
      releases: [kv: [reboot_system_after_config: reboot]]
    ]
  end

  def application do
    [mod: {Kv.Application, []}, extra_applications: [:logger]]
  end
end
