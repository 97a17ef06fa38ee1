%% Integers against floats: ==, =:=, <, also where a float cannot hold the integer.
-module(mixed_comparison).
-export([main/0]).
-include("show.hrl").

main() ->
    Numbers = [0, 0.0, -0.0, 1, 1.0, -1, -1.0, 1.5, 2, (1 bsl 53) - 1, 1 bsl 53, (1 bsl 53) + 1, 9007199254740992.0,
               9007199254740994.0, (1 bsl 59) - 1, 1 bsl 59, 576460752303423488.0, 1 bsl 63, (1 bsl 64) + 1,
               18446744073709551616.0, 1 bsl 1023, (1 bsl 1023) + 1, 8.98846567431158e307, 1 bsl 2000, -(1 bsl 2000),
               1.7976931348623157e308, -1.7976931348623157e308, 5.0e-324],
    [erlang:display({A, [compare(A, B) || B <- id(Numbers)]}) || A <- id(Numbers)],
    ?SHOW(lists:sort(id(Numbers))),
    ?SHOW(lists:usort(id([1, 1.0, 2, 2.0, 1]))),
    ?SHOW([1 =:= X || X <- id([1, 1.0])]),
    ?SHOW([1 == X || X <- id([1, 1.0])]),
    ?SHOW([1 /= X || X <- id([1, 1.0])]),
    ?SHOW([1 =/= X || X <- id([1, 1.0])]),
    ?SHOW({id(1), [2.0]} == {1.0, [2]}),
    ?SHOW({id(1), [2.0]} =:= {1.0, [2]}),
    ?SHOW([1, 2.0, id(3)] == [1.0, 2, 3.0]),
    ?SHOW(id(#{1 => 2}) == #{1 => 2.0}),
    ?SHOW(id(#{1 => 2}) == #{1.0 => 2}),
    ?SHOW([{X, what(X)} || X <- id([1, 1.0, 2, 2.0, 3.0, 3])]),
    ?SHOW([max(A, B) || {A, B} <- id([{1, 1.0}, {1.0, 1}, {2, 1.5}])]),
    ?SHOW([min(A, B) || {A, B} <- id([{1, 1.0}, {1.0, 1}, {2, 1.5}])]),
    ?SHOW(lists:member(1.0, id([1, 2]))),
    ?SHOW(lists:keyfind(1, 1, id([{1.0, float}, {1, integer}]))),
    ?SHOW(lists:keymember(1, 1, id([{1.0, float}]))).

compare(A, B) ->
    Order = if A < B -> lt; A > B -> gt; A == B -> eq end,
    true = (A =< B) =:= (Order =/= gt),
    true = (A >= B) =:= (Order =/= lt),
    true = (A /= B) =:= (Order =/= eq),
    case A =:= B of
        true -> same;
        false -> Order
    end.

what(1) -> integer_one;
what(1.0) -> float_one;
what(X) when X == 2 -> two;
what(X) when X =:= 3 -> integer_three;
what(X) when X > 2, X < 4 -> about_three.
