%% All solutions for eleven queens, five times: comprehensions, lists, backtracking.
-module(b_queens).
-export([run/0]).

run() -> lists:sum([length(queens(11, 11)) || _ <- lists:seq(1, 5)]).

queens(0, _) -> [[]];
queens(Rows, N) ->
    [[Q | Board] || Board <- queens(Rows - 1, N), Q <- lists:seq(1, N), safe(Q, Board, 1)].

safe(_, [], _) -> true;
safe(Q, [Other | Rest], D) ->
    Q =/= Other andalso Q =/= Other + D andalso Q =/= Other - D andalso safe(Q, Rest, D + 1).
