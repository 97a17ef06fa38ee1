%% Tuples: element, setelement, conversion, growing, matching on size.
-module(tuples).
-export([main/0]).
-include("show.hrl").

main() ->
    T = id({a, 1, "s", 4.5}),
    ?SHOW(tuple_size(T)),
    ?SHOW([element(I, T) || I <- [1, 2, 3, 4]]),
    ?SHOW([setelement(I, T, new) || I <- [1, 2, 3, 4]]),
    ?SHOW(T),
    ?SHOW(setelement(1, setelement(2, setelement(3, T, c), b), x)),
    ?SHOW(tuple_to_list(T)),
    ?SHOW(list_to_tuple(id([x, y, z]))),
    ?SHOW(list_to_tuple(id([]))),
    ?SHOW(erlang:append_element(T, last)),
    ?SHOW(erlang:insert_element(2, T, inserted)),
    ?SHOW(erlang:delete_element(1, T)),
    ?SHOW(erlang:make_tuple(4, filler)),
    ?SHOW(erlang:make_tuple(5, 0, [{2, two}, {5, five}, {2, deux}])),
    ?SHOW(size(T)),
    ?SHOW([is_tuple(X) || X <- [T, {}, [], a, #{}, <<>>]]),
    ?SHOW([shape(X) || X <- [{}, {1}, {1, 2}, {1, 2, 3}, {1, 2, 3, 4}, [], {tagged, 1}, {tagged, 1, 2}]]),
    ?SHOW(swap(id({1, 2}))),
    ?SHOW(sum_tree(id({node, {node, {leaf, 1}, {leaf, 2}}, {node, {leaf, 3}, {leaf, 4}}}))),
    ?SHOW(sum_tree(tree(10))),
    Big = list_to_tuple(lists:seq(1, 1000)),
    ?SHOW(tuple_size(Big)),
    ?SHOW(element(777, Big)),
    ?SHOW(element(500, setelement(500, Big, changed))),
    ?SHOW(element(500, Big)),
    ?SHOW(Big =:= list_to_tuple(tuple_to_list(Big))),
    ?SHOW(erlang:phash2(Big)),
    ?TRY(element(id(1001), Big)),
    ?TRY(element(id(1.0), T)),
    ?TRY(element(id(a), T)),
    ?TRY(element(1, id([a]))),
    ?TRY(setelement(id(0), T, x)),
    ?TRY(setelement(id(1), id(x), x)),
    ?TRY(erlang:append_element(id(x), y)),
    ?TRY(erlang:insert_element(id(6), T, y)),
    ?SHOW(erlang:insert_element(id(5), T, y)),
    ?TRY(erlang:delete_element(id(5), T)),
    ?TRY(erlang:make_tuple(id(-1), x)),
    ?TRY(erlang:make_tuple(2, x, [{id(3), y}])),
    ?TRY(list_to_tuple(id([a | b]))),
    {A, {B, [C | _]}} = id({1, {2, [3, 4]}}),
    ?SHOW({A, B, C}),
    ?SHOW(fields(id({person, "Ann", 42, none}))).

shape({}) -> empty;
shape({tagged, _}) -> tagged_one;
shape({_}) -> one;
shape({_, _}) -> two;
shape({tagged, _, _}) -> tagged_two;
shape({_, _, _}) -> three;
shape(T) when is_tuple(T) -> {many, tuple_size(T)};
shape(_) -> no_tuple.

swap({A, B}) -> {B, A}.

sum_tree({leaf, N}) -> N;
sum_tree({node, L, R}) -> sum_tree(L) + sum_tree(R).

tree(0) -> {leaf, 1};
tree(N) -> {node, tree(N - 1), tree(N - 1)}.

fields(T) when element(1, T) =:= person, element(3, T) > 18 -> {adult, element(2, T)};
fields(_) -> other.
