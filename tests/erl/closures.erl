%% Funs: closures over variables, recursion through a named fun, funs as data,
%% composition, external funs.
-module(closures).
-export([main/0, double/1]).
-include("show.hrl").

main() ->
    Add = adder(id(10)),
    ?SHOW(Add(5)),
    ?SHOW([F(3) || F <- [adder(1), adder(2), Add]]),
    ?SHOW((compose(fun double/1, Add))(1)),
    ?SHOW((compose(fun ?MODULE:double/1, Add))(1)),
    ?SHOW((curry(fun(A, B, C) -> {A, B, C} end, id(1)))(2, 3)),
    Factorial = fun Self(0) -> 1; Self(N) -> N * Self(N - 1) end,
    ?SHOW(Factorial(20)),
    ?SHOW(lists:map(fun double/1, id([1, 2, 3]))),
    ?SHOW(lists:foldl(fun(X, Acc) -> [X * X | Acc] end, [], id([1, 2, 3]))),
    ?SHOW(lists:filter(fun(X) when X rem 2 =:= 0 -> true; (_) -> false end, id([1, 2, 3, 4]))),
    ?SHOW((many(1, 2, 3, 4, 5, 6, 7, 8))()),
    ?SHOW(apply(Add, [1])),
    ?SHOW(apply(fun lists:reverse/1, [[a, b, c]])),
    ?TRY(badarity(Add)),
    ?TRY((id(not_a_fun))(1)),
    ?TRY((id(fun(a) -> b end))(c)),
    ?SHOW(is_function(Add)),
    ?SHOW(is_function(Add, 1)),
    ?SHOW(is_function(Add, 2)),
    ?SHOW(is_function(fun lists:map/2, 2)),
    ?SHOW(is_function(id(foo))),
    ?SHOW(Add =:= Add),
    ?SHOW(adder(1) =:= adder(1)),
    ?SHOW(adder(1) =:= adder(2)),
    ?SHOW(fun lists:map/2 =:= id(fun lists:map/2)),
    ?SHOW(id(fun lists:map/2)),
    ?SHOW(counter(5)),
    ?SHOW(take(5, naturals(10))),
    ?SHOW([church_to_int(C) || C <- [church(0), church(1), church(7)]]),
    ?SHOW((y(fun(F) -> fun(0) -> 0; (N) -> N + F(N - 1) end end))(100)),
    {Push, Pop} = stack_ops(),
    {Top, Rest} = Pop(Push(3, Push(2, []))),
    ?SHOW({Top, Rest}),
    Shadow = fun(Add1) -> Add1 + Add(Add1) end,
    ?SHOW(Shadow(1)),
    Self = self(),
    spawn(fun() -> Self ! {from_closure, Add(90)} end),
    ?SHOW(receive {from_closure, V} -> V end),
    Remote = spawn(fun() -> receive {run, F1, From} -> From ! {ran, F1(7)} end end),
    Remote ! {run, fun(X) -> Add(X) * 2 end, self()},
    ?SHOW(receive {ran, R} -> R end).

%% The reason of a badarity holds the fun itself, whose printed form is no constant.
badarity(F) ->
    try (id(F))(1, 2)
    catch error:{badarity, {F, Args}} -> {badarity, Args}
    end.

adder(N) -> fun(X) -> X + N end.

double(X) -> 2 * X.

compose(F, G) -> fun(X) -> F(G(X)) end.

curry(F, A) -> fun(B, C) -> F(A, B, C) end.

many(A, B, C, D, E, F, G, H) -> fun() -> [A, {B, C}, <<D>>, E + F, G, H] end.

counter(N) -> lists:foldl(fun(F, Acc) -> F(Acc) end, 0, lists:duplicate(N, fun(X) -> X + 1 end)).

naturals(N) -> fun() -> [N | naturals(N + 1)] end.

take(0, _) -> [];
take(N, Lazy) -> [X | Next] = Lazy(), [X | take(N - 1, Next)].

church(0) -> fun(_) -> fun(X) -> X end end;
church(N) -> fun(F) -> fun(X) -> F(((church(N - 1))(F))(X)) end end.

church_to_int(C) -> (C(fun(X) -> X + 1 end))(0).

y(M) ->
    G = fun(F) -> M(fun(A) -> (F(F))(A) end) end,
    G(G).

stack_ops() -> {fun(X, Stack) -> [X | Stack] end, fun([X | Stack]) -> {X, Stack} end}.
