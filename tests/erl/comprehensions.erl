%% List and binary comprehensions with several generators and filters.
-module(comprehensions).
-export([main/0]).
-include("show.hrl").

main() ->
    L = id([1, 2, 3, 4]),
    B = id(<<1, 2, 3, 4>>),
    ?SHOW([X * 2 || X <- L]),
    ?SHOW([{X, Y} || X <- L, Y <- [a, b]]),
    ?SHOW([{X, Y} || X <- L, Y <- L, X < Y]),
    ?SHOW([X || X <- L, X > 1, X < 4]),
    ?SHOW([X || {ok, X} <- id([{ok, 1}, error, {ok, 2}, {error, 3}])]),
    ?SHOW([X || X <- []]),
    ?SHOW([x || _ <- L]),
    ?SHOW([x || true]),
    ?SHOW([x || id(false)]),
    ?SHOW([[Y || Y <- lists:seq(1, X)] || X <- L]),
    ?SHOW([X || X <- L, X rem 2 =:= 0 orelse X > 3]),
    ?SHOW([X || X <- L, begin Y = X * X, Y > 5 end]),
    ?SHOW([X || X <- id([a, 1, "s", 2.0, {t}]), is_atom(X) or is_float(X)]),
    ?SHOW([X || X <- id([a, 0, 1]), 1 / X > 0]),
    ?SHOW([X || <<X>> <= B]),
    ?SHOW([X || <<X:4>> <= B]),
    ?SHOW([X || <<X:16/little>> <= B]),
    ?SHOW([{X, Y} || <<X:3, Y:5>> <= B]),
    ?SHOW([X || <<X:24>> <= B]),
    ?SHOW([X || <<1, X>> <= id(<<1, 2, 3, 4, 1, 6>>)]),
    ?SHOW([X || <<N, X:N/binary>> <= id(<<1, "a", 3, "bcd", 0, 9, "short">>)]),
    ?SHOW(<< <<X>> || X <- L >>),
    ?SHOW(<< <<(X * 3):16>> || X <- L, X =/= 2 >>),
    ?SHOW(<< <<X:3>> || X <- L >>),
    ?SHOW(<< <<X>> || <<X>> <= B, X band 1 =:= 1 >>),
    ?SHOW(<< <<Y, X>> || <<X, Y>> <= B >>),
    ?SHOW(<< <<B/binary, X>> || X <- [8, 9] >>),
    ?SHOW(<< <<X:1>> || <<X:1>> <= id(<<2#1011:4>>) >>),
    ?SHOW(<< <<X, Y>> || X <- "ab", <<Y>> <= <<"12">> >>),
    ?SHOW([{X, Y} || X <- L, <<Y:2>> <= <<X:4>>]),
    ?SHOW(<< <<(integer_to_binary(X))/binary, ",">> || X <- L >>),
    ?SHOW(byte_size(<< <<X:32>> || X <- lists:seq(1, 10000) >>)),
    ?SHOW(lists:sum([X || <<X:32>> <= << <<X:32>> || X <- lists:seq(1, 10000) >>])),
    ?SHOW(pythagorean(id(30))),
    ?SHOW(permutations(id([1, 2, 3]))),
    ?SHOW(length(permutations(id([1, 2, 3, 4, 5, 6])))),
    ?SHOW(quicksort(id([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]))),
    ?SHOW(transpose(id([[1, 2, 3], [4, 5, 6]]))),
    ?TRY([X || X <- id(atom)]),
    ?TRY([X || X <- id([1, 2 | tail])]),
    ?TRY([X || <<X>> <= id([1])]),
    ?TRY(<< <<X>> || X <- id([1, a]) >>),
    ?TRY(<< <<(id(X))/binary>> || X <- [<<1>>, 2] >>),
    ?TRY([X || X <- L, id(not_boolean)]).

pythagorean(N) ->
    [{A, B, C} || A <- lists:seq(1, N), B <- lists:seq(A, N), C <- lists:seq(B, N), A * A + B * B =:= C * C].

permutations([]) -> [[]];
permutations(L) -> [[X | Rest] || X <- L, Rest <- permutations(L -- [X])].

quicksort([]) -> [];
quicksort([P | L]) -> quicksort([X || X <- L, X < P]) ++ [P] ++ quicksort([X || X <- L, X >= P]).

transpose([[] | _]) -> [];
transpose(Rows) -> [[hd(R) || R <- Rows] | transpose([tl(R) || R <- Rows])].
