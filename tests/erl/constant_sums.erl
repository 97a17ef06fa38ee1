%% Stack traces of sums and differences with a small constant, which OTP has instructions of their own for, and of their like.
-module(constant_sums).
-export([main/0]).
-include("show.hrl").

-define(TRACE(E), erlang:display({??E, (fun() -> try E catch C:R:S -> {C, R, [{M, F, A} || {M, F, A, _} <- lists:sublist(S, 2)]} end end)()})).

main() ->
    [each(X) || X <- [a, [], [1], "s", {}, <<>>, #{}]],
    [?TRACE(G(id(X))) || X <- [a, []],
        G <- [fun less/1, fun more/1, fun less_in_call/1, fun less_in_loop/1, fun not_equal/1, fun double/1, fun sum/1, fun in_if/1, fun kept/1,
              fun of_frame/1, fun between/1, fun in_list/1]],
    ?TRACE(nth(id(a), [1])),
    ?TRACE(nth(id([]), [1])),
    ?TRACE(id(1 bsl 70) - 1),
    ?TRACE(in_guard(id(a))).

each(X) ->
    ?TRACE(id(X) + 1),
    ?TRACE(id(X) - 1),
    ?TRACE(1 + id(X)),
    ?TRACE(1 - id(X)),
    ?TRACE(id(X) + -1),
    ?TRACE(id(X) - -1),
    ?TRACE(id(X) - 0),
    ?TRACE(id(X) + 0),
    ?TRACE(id(X) - 1000),
    ?TRACE(id(X) + 16#7ffffffffffffff),
    ?TRACE(id(X) + 16#fffffffffffffff),
    ?TRACE(id(X) - 16#fffffffffffffff),
    ?TRACE(id(X) + 1.0),
    ?TRACE(id(X) - 1.0),
    ?TRACE(id(X) + id(X)),
    ?TRACE(id(X) - id(X)),
    ?TRACE(id(X) * 2),
    ?TRACE(id(X) div 2),
    ?TRACE(id(X) band 1),
    ?TRACE(- id(X)),
    ?TRACE(bnot id(X)).

less(N) when N > 0 -> N - 1.
more(N) when N > 0 -> N + 1.
less_in_call(N) when N > 0 -> id(N - 1).
less_in_loop(N) when N > 0 -> less_in_loop(N - 1).
not_equal(N) when N =/= 0 -> N - 1.
double(N) when N > 0 -> N * 2.
sum(N) when N > 0 -> N + N.
in_if(N) -> if N > 5 -> N - 1; true -> 0 end.
kept(N) -> id(x), id(N - 1), id(N).
of_frame(N) -> M = id(N), id(x), {M + 1, id(M), id(N)}.
between(N) when N > 0, N < <<>> -> N - 1.
in_list(N) -> [N + 1, N - 1].
in_guard(N) when N + 1 > 0 -> yes;
in_guard(N) when N - 1 < 0 -> yes;
in_guard(_) -> no.

nth(1, [H | _]) -> H;
nth(N, [_ | T]) when N > 1 -> nth(N - 1, T).
