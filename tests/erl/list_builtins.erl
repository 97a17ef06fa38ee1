%% Built-in functions on lists.
-module(list_builtins).
-export([main/0]).
-include("show.hrl").

main() ->
    L = id([3, 1, 2, 1]),
    ?SHOW(hd(L)),
    ?SHOW(tl(L)),
    ?SHOW(length(L)),
    ?SHOW(L ++ [x]),
    ?SHOW([] ++ L),
    ?SHOW(L ++ []),
    ?SHOW(L ++ id(improper_tail)),
    ?SHOW([] ++ id(anything)),
    ?SHOW(L -- [1]),
    ?SHOW(L -- [1, 1, 1]),
    ?SHOW(L -- [9]),
    ?SHOW([1, 2, 3] -- L -- id([1])),
    ?SHOW(id([1, 1.0, a, "x", {y}]) -- id([1.0, "x"])),
    ?SHOW(length(lists:seq(1, 5000) -- lists:seq(1, 5000, 2))),
    ?SHOW(lists:reverse(L)),
    ?SHOW(lists:reverse(L, id([tail | more]))),
    ?SHOW(lists:reverse([], id(x))),
    ?SHOW(lists:member(2, L)),
    ?SHOW(lists:member(2.0, L)),
    ?SHOW(lists:member(x, [])),
    Table = id([{a, 1}, {b, 2}, not_a_tuple, {short}, {1, 3}, {b, 4}, {c, 5, extra}]),
    ?SHOW(lists:keyfind(b, 1, Table)),
    ?SHOW(lists:keyfind(1.0, 1, Table)),
    ?SHOW(lists:keyfind(5, 2, Table)),
    ?SHOW(lists:keyfind(extra, 3, Table)),
    ?SHOW(lists:keyfind(zzz, 1, Table)),
    ?SHOW(lists:keymember(b, 1, Table)),
    ?SHOW(lists:keymember(b, 2, Table)),
    ?SHOW(lists:keysearch(b, 1, Table)),
    ?SHOW(lists:keysearch(z, 1, Table)),
    ?SHOW(list_to_tuple(L)),
    ?SHOW(erlang:iolist_size(id([1, [2, <<"three">>] | <<"four">>]))),
    ?SHOW([is_list(X) || X <- [[], [a], [a | b], "s", {}, a]]),
    ?SHOW(length([])),
    ?SHOW(length(lists:seq(1, 100000))),
    ?SHOW(match(id([]))),
    ?SHOW(match(id([a]))),
    ?SHOW(match(id([a, b]))),
    ?SHOW(match(id([a | b]))),
    ?SHOW(match(id([a, b, c, d]))),
    ?SHOW(match(id({}))),
    ?TRY(hd(id([]))),
    ?TRY(tl(id([]))),
    ?TRY(hd(id({a}))),
    ?TRY(length(id({a}))),
    ?TRY(length(id([a, b | c]))),
    ?TRY(id({a}) ++ [b]),
    ?TRY(id([a | b]) ++ [c]),
    ?TRY(id([a | b]) -- [c]),
    ?TRY([c] -- id([a | b])),
    ?TRY(lists:reverse(id([a | b]))),
    ?TRY(lists:reverse(id(x))),
    ?TRY(lists:member(z, id([a | b]))),
    ?SHOW(lists:member(a, id([a | b]))),
    ?TRY(lists:keyfind(a, id(0), [])),
    ?TRY(lists:keyfind(a, 1, id([x | y]))),
    ?SHOW(append_all(id([[1], [2, 3], [], [4]]))),
    ?SHOW(rotate(id([1, 2, 3, 4, 5]), 2)),
    ?SHOW(deep(id([1, [2, [3, [4]], 5]]))).

match([]) -> nil;
match([X]) -> {one, X};
match([X, Y]) -> {two, X, Y};
match([X, Y | Rest]) when is_list(Rest) -> {more, X, Y, Rest};
match([X | Y]) -> {improper, X, Y};
match(Other) -> {other, Other}.

append_all([]) -> [];
append_all([L | Rest]) -> L ++ append_all(Rest).

rotate(L, 0) -> L;
rotate([H | T], N) -> rotate(T ++ [H], N - 1).

deep([H | T]) when is_list(H) -> deep(H) ++ deep(T);
deep([H | T]) -> [H | deep(T)];
deep([]) -> [].
