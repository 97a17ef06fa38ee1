%% Calls whose target is known only at run time, and calls with many arguments.
-module(applying).
-export([main/0, f/0, f/1, f/2, f/3, many/20, tail/3]).
-include("show.hrl").

main() ->
    M = id(?MODULE),
    F = id(f),
    ?SHOW(apply(?MODULE, f, [])),
    ?SHOW(apply(M, F, id([1]))),
    ?SHOW(apply(M, F, [1, 2])),
    ?SHOW(M:F()),
    ?SHOW(M:F(a)),
    ?SHOW(M:F(a, b)),
    ?SHOW(?MODULE:F(a, b, c)),
    ?SHOW(M:f(a, b, c)),
    ?SHOW(apply(id(fun(X, Y) -> {X, Y} end), [1, 2])),
    ?SHOW(apply(fun ?MODULE:f/2, [1, 2])),
    ?SHOW((fun M:F/1)(x)),
    ?SHOW((id(fun ?MODULE:f/3))(1, 2, 3)),
    ?SHOW(apply(erlang, id('+'), [1, 2])),
    ?SHOW(apply(erlang, length, id([[1, 2, 3]]))),
    ?SHOW(erlang:apply(lists, reverse, [[1, 2]])),
    ?SHOW((id(erlang)):(id(abs))(-3)),
    ?SHOW((id(erlang)):(id(self))() =:= self()),
    ?SHOW([erlang:Op(7, 2) || Op <- id(['+', '-', '*', '/', 'div', 'rem', 'band', 'bor', 'bxor', 'bsl', 'bsr', '==', '<', '>=', '=/='])]),
    ?SHOW([erlang:Op(true, false) || Op <- id(['and', 'or', 'xor'])]),
    ?SHOW(many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)),
    ?SHOW(apply(?MODULE, many, lists:seq(1, 20))),
    ?SHOW(tail(id(100000), ?MODULE, [])),
    ?SHOW(erlang:make_fun(lists, max, 1)),
    ?SHOW((erlang:make_fun(lists, max, 1))([1, 3, 2])),
    ?SHOW(function_exported()),
    ?TRY(apply(M, id(unknown), [])),
    ?TRY(apply(M, F, id([1, 2, 3, 4]))),
    ?TRY(apply(M, F, id([1 | 2]))),
    ?TRY(apply(M, F, id(atom))),
    ?TRY(apply(id("m"), F, [])),
    ?TRY(apply(M, id(1), [])),
    ?TRY(M:(id({f}))()),
    ?TRY(apply(id(not_fun), [])),
    ?TRY(apply(id(fun() -> ok end), id(x))),
    ?TRY((id(fun lists:no_such/3))(1, 2, 3)),
    ?TRY((id(fun no_such_module:f/0))()),
    ?SHOW(pipeline(id([{lists, reverse, []}, {lists, nth, [2]}]), [1, 2, 3, 4])).

f() -> {f, 0}.
f(A) -> {f, 1, A}.
f(A, B) -> {f, 2, A, B}.
f(A, B, C) -> {f, 3, A, B, C}.

many(A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T) ->
    {T, S, R, Q, P, O, N, M, L, K, J, I, H, G, F, E, D, C, B, A}.

%% A tail call through apply must not grow the stack.
tail(0, _, Acc) -> {done, length(Acc)};
tail(N, M, _) -> M:tail(N - 1, M, [N]).

function_exported() ->
    [erlang:function_exported(M, F, A)
     || {M, F, A} <- id([{?MODULE, f, 1}, {?MODULE, f, 9}, {?MODULE, tail, 3}, {?MODULE, pipeline, 2}, {no_such_module, f, 0}, {erlang, self, 0}])].

pipeline([], X) -> X;
pipeline([{M, F, Args} | Rest], X) -> pipeline(Rest, apply(M, F, Args ++ [X])).
