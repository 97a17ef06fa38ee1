# A test suite: what ExUnit prints of tests that pass, fail and are skipped.
ExUnit.start(seed: 0, colors: [enabled: false], max_cases: 1)

defmodule SuiteTest do
  use ExUnit.Case, async: false
  doctest Integer, only: [gcd: 2], import: true

  setup do
    on_exit(fn -> :ok end)
    {:ok, value: 42}
  end

  describe "matching" do
    test "context is given", %{value: value}, do: assert(value == 42)
    test "errors are caught", do: assert_raise(ArithmeticError, fn -> 1 / String.length("") end)
    test "messages are received" do
      send(self(), {:hello, 1})
      assert_receive {:hello, n} when n > 0
      refute_received :other
    end
  end

  test "a comparison fails", do: assert([1, 2, 3] -- [2] == [1, 2])
  test "a match fails", do: assert({:ok, _} = Map.fetch(%{a: 1}, :b))
  test "an exception ends a test", do: String.to_integer("x")
  test "an exit ends a test", do: GenServer.call(:nobody, :hello)
  @tag :skip
  test "skipped", do: flunk("never")
  test "output is captured" do
    assert ExUnit.CaptureIO.capture_io(fn -> IO.puts("inside") end) == "inside\n"
  end
end
