%% Integer arithmetic in the range of machine words, and its edges on both sides.
-module(small_integers).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW(id(7) + id(-3)),
    ?SHOW(id(7) - id(10)),
    ?SHOW(id(7) * id(-6)),
    ?SHOW([{A div B, A rem B} || A <- [7, -7], B <- [2, -2]]),
    ?SHOW([{A div B, A rem B} || A <- [0, 1, -1], B <- [1, -1, 5]]),
    ?SHOW(-id(0)),
    ?SHOW(+id(5)),
    ?SHOW(abs(id(-5))),
    ?SHOW(abs(id(5))),
    ?SHOW([min(A, B) || A <- [1, -1], B <- [0, 2]]),
    ?SHOW([max(A, B) || A <- [1, -1], B <- [0, 2]]),
    %% The largest small integer is 2^59 - 1, the smallest -2^59.
    Max = (id(1) bsl 59) - 1,
    Min = -(id(1) bsl 59),
    ?SHOW(Max),
    ?SHOW(Min),
    ?SHOW(Max + id(1)),
    ?SHOW(Min - id(1)),
    ?SHOW(Max + 1 - 1 =:= Max),
    ?SHOW(Min - 1 + 1 =:= Min),
    ?SHOW(-Min),
    ?SHOW(abs(Min)),
    ?SHOW(Min div id(-1)),
    ?SHOW(Min rem id(-1)),
    ?SHOW(Max * id(2)),
    ?SHOW(Max * Max),
    ?SHOW(Min * Min),
    ?SHOW(Max * Min),
    ?SHOW(Max * id(-1)),
    ?SHOW(Min * id(-1)),
    ?SHOW(Max + Max - Max),
    ?SHOW(Max - Min),
    ?SHOW(Min + Min),
    %% 64-bit edges.
    ?SHOW([(id(1) bsl S) - 1 || S <- [31, 32, 62, 63, 64, 65]]),
    ?SHOW([-(id(1) bsl S) || S <- [31, 32, 62, 63, 64, 65]]),
    ?SHOW([is_integer(X) || X <- [Max, Max + 1, Min, Min - 1, 1.0]]),
    ?SHOW((Max + 1) > Max),
    ?SHOW((Min - 1) < Min),
    ?SHOW([X || X <- [Max + 1, Max, Min, Min - 1], X =:= id(576460752303423488)]),
    ?SHOW(factorials(id(25))),
    ?SHOW(gcd(id(1071), id(462))),
    ?SHOW(power(id(3), 60)),
    ?SHOW(digits_sum(power(2, 100))),
    ?SHOW(collatz(id(27), 0)),
    ?SHOW([classify(N) || N <- [0, 1, 9, 10, -1, Max, Max + 1]]),
    ?SHOW(16#FF + 2#1010 + 36#Z + $a + $\n),
    ?SHOW(1_000_000 + id(0)).

factorials(N) -> [factorial(I) || I <- [5, 10, 15, 19, 20, 21, N]].

factorial(0) -> 1;
factorial(N) -> N * factorial(N - 1).

gcd(A, 0) -> A;
gcd(A, B) -> gcd(B, A rem B).

power(_, 0) -> 1;
power(B, N) -> B * power(B, N - 1).

digits_sum(0) -> 0;
digits_sum(N) -> N rem 10 + digits_sum(N div 10).

collatz(1, Steps) -> Steps;
collatz(N, Steps) when N rem 2 =:= 0 -> collatz(N div 2, Steps + 1);
collatz(N, Steps) -> collatz(3 * N + 1, Steps + 1).

classify(0) -> zero;
classify(N) when N < 0 -> negative;
classify(N) when N < 10 -> digit;
classify(576460752303423487) -> largest_small;
classify(576460752303423488) -> smallest_big;
classify(_) -> positive.
