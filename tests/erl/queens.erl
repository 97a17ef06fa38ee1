%% The queens puzzle: nested list comprehensions with a recursive generator.
%% gcstress: small
-module(queens).
-export([main/0, main/1]).

main() ->
    report([1, 4, 5, 6, 7, 8]),
    [First, Second | _] = Solutions = queens(8, 8),
    erlang:display({first, First}),
    erlang:display({second, Second}),
    erlang:display({last, last(Solutions)}).

main([small]) ->
    report([1, 4, 5]).

report(Sizes) ->
    [erlang:display({size, N, solutions, length(queens(N, N))}) || N <- Sizes],
    ok.

%% All ways to put Rows queens on the first Rows rows of a board of width Width.
queens(0, _Width) -> [[]];
queens(Rows, Width) ->
    [[Column | Placed]
     || Placed <- queens(Rows - 1, Width),
        Column <- seq(1, Width),
        safe(Column, Placed, 1)].

safe(_Column, [], _Distance) -> true;
safe(Column, [Other | Rest], Distance) ->
    Column =/= Other
        andalso abs(Column - Other) =/= Distance
        andalso safe(Column, Rest, Distance + 1).

seq(From, To) when From > To -> [];
seq(From, To) -> [From | seq(From + 1, To)].

last([X]) -> X;
last([_ | Rest]) -> last(Rest).
