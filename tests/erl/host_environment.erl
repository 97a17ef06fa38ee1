%% Environment variables, signals, and what else is asked of the host.
-module(host_environment).
-export([main/0]).
-include("show.hrl").

main() ->
    Text = [16#41f, 16#20ac, $a],
    ?SHOW(os:getenv("STARLING_NOT_THERE")),
    ?SHOW(os:getenv("STARLING_NOT_THERE", "default")),
    ?SHOW([os:putenv("STARLING_" ++ N, V) || {N, V} <- [{"A", "one"}, {"B", ""}, {"C", "x=y"}, {"A", "two"}, {"D", "last"}]]),
    ?SHOW([os:getenv("STARLING_" ++ N) || N <- ["A", "B", "C", "D"]]),
    ?SHOW(os:unsetenv("STARLING_D")),
    ?SHOW(os:unsetenv("STARLING_D")),
    ?SHOW([V || {"STARLING_" ++ _, _} = V <- lists:sort(os:env())]),
    ?SHOW([V || "STARLING_" ++ _ = V <- lists:sort(os:getenv())]),
    ?SHOW(is_list(Text)),
    [?TRY(os:getenv(id(N))) || N <- ["a=b", atom, [0], [a], <<"x">>, [$a | $b]]],
    [?TRY(os:putenv(id(N), id(V))) || {N, V} <- [{"a=b", ""}, {"=", ""}, {atom, ""}, {"a", atom}, {"a", [0]}, {[0], "a"}]],
    [?TRY(os:unsetenv(id(N))) || N <- ["a=b", atom]],
    ?SHOW(is_integer(list_to_integer(os:getpid()))),
    ?SHOW([os:set_signal(sigusr2, A) || A <- [ignore, default]]),
    ?TRY(os:set_signal(id(sigother), handle)),
    ?TRY(os:set_signal(sigusr2, id(other))),
    ?SHOW([error_logger:warning_map(), io:printable_range()]).
