%% A million frames down and up again, in several shapes.
%% gcstress: small
-module(deep_recursion).
-export([main/0, main/1]).

main() -> run(1000000).

main([small]) -> run(300).

run(Depth) ->
    erlang:display({count, count(Depth)}),
    List = numbers(Depth),
    erlang:display({length, length(List)}),
    erlang:display({last, last(List)}),
    erlang:display({sum, sum(List)}),
    erlang:display({even, even(Depth), odd(Depth)}),
    erlang:display({mapped, sum(map(fun(X) -> X * 2 end, List))}),
    Nested = nest(Depth, leaf),
    erlang:display({unnested, unnest(Nested, 0)}),
    erlang:display({throw_from_the_bottom, catch descend(Depth)}),
    erlang:display({equal, nest(Depth, leaf) =:= Nested, nest(Depth, other) =:= Nested}),
    erlang:display({order, nest(Depth, a) < nest(Depth, b)}),
    Self = self(),
    spawn(fun() -> receive M -> Self ! {echo, M} end end) ! Nested,
    erlang:display({sent, receive {echo, M} -> unnest(M, 0) end}).

count(0) -> 0;
count(N) -> 1 + count(N - 1).

numbers(0) -> [];
numbers(N) -> [N | numbers(N - 1)].

last([X]) -> X;
last([_ | Rest]) -> last(Rest).

sum([]) -> 0;
sum([X | Rest]) -> X + sum(Rest).

even(0) -> true;
even(N) -> not not_even(N).

not_even(N) -> not odd(N - 1).

odd(0) -> false;
odd(N) -> not not_odd(N).

not_odd(N) -> not even(N - 1).

map(_, []) -> [];
map(F, [X | Rest]) -> [F(X) | map(F, Rest)].

%% A term as deep as the recursion: no walk over it may use the native stack.
nest(0, Inner) -> Inner;
nest(N, Inner) -> nest(N - 1, {Inner}).

unnest({Inner}, Depth) -> unnest(Inner, Depth + 1);
unnest(Leaf, Depth) -> {Leaf, Depth}.

descend(0) -> throw(bottom);
descend(N) -> 1 + descend(N - 1).
