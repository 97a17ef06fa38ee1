%% Integers of any size: the four operations, division of every sign, comparison.
-module(bignums).
-export([main/0]).
-include("show.hrl").

main() ->
    A = id(123456789012345678901234567890),
    B = id(-987654321098765432109876543210),
    C = id(1 bsl 200),
    ?SHOW(A + B),
    ?SHOW(A - B),
    ?SHOW(A * B),
    ?SHOW(C + 1),
    ?SHOW(C - 1),
    ?SHOW(-C),
    ?SHOW(abs(B)),
    ?SHOW([{X div Y, X rem Y} || X <- [C, -C], Y <- [A, -A, 7, -7]]),
    ?SHOW([{X div Y, X rem Y} || X <- [A, -A], Y <- [C, -C]]),
    ?SHOW({C div C, C rem C, C div 1, C rem 1, C div -1}),
    ?SHOW((A * B) div A =:= B),
    ?SHOW((A * B + 17) rem A),
    ?SHOW(A - A),
    ?SHOW(A + (-A) =:= 0),
    ?SHOW((C + 1) - C),
    ?SHOW(is_integer(C)),
    ?SHOW([A < B, B < A, A < C, A =< A, A == A, A =:= A + 0, A /= B, C > 0, -C < 0]),
    ?SHOW(A =:= id(123456789012345678901234567890)),
    ?SHOW(lists:sort([C, A, B, -C, 0, 1, -1, 1 bsl 64, 1 bsl 63, -(1 bsl 64)])),
    ?SHOW(factorial(50)),
    ?SHOW(erlang:phash2(factorial(500), 1 bsl 32)),
    ?SHOW(factorial(60) div factorial(58)),
    ?SHOW(fib(300)),
    ?SHOW(power(7, 123) rem 1000000007),
    ?SHOW(power_mod(3, power(10, 40), 1000000007)),
    ?SHOW(isqrt(power(10, 60) + 12345)),
    ?SHOW(isqrt(2 * power(10, 80))),
    %% Division where the quotient digit must be guessed and corrected.
    ?SHOW((1 bsl 128) div ((1 bsl 64) + 1)),
    ?SHOW(((1 bsl 192) - 1) div ((1 bsl 96) - 1)),
    ?SHOW(((1 bsl 192) - 1) rem ((1 bsl 96) + 1)),
    ?SHOW(((1 bsl 128) - 1) div ((1 bsl 64) - 1)),
    ?SHOW(16#8000000000000000_0000000000000000 div id(16#8000000000000000_0000000000000001)),
    ?SHOW(16#7FFFFFFFFFFFFFFF_8000000000000000_0000000000000000 div id(16#8000000000000000_0000000000000001)),
    ?SHOW(divisions(id(1 bsl 300), 1, 0)),
    %% A number of many kilobytes.
    Huge = power(3, 20000),
    ?SHOW(Huge rem 1000000007),
    ?SHOW((Huge * Huge) rem 998244353),
    ?SHOW((Huge * Huge) div Huge =:= Huge),
    ?SHOW(length(integer_to_list(Huge))),
    ?SHOW(erlang:md5(integer_to_binary(Huge))),
    ?SHOW(list_to_integer(integer_to_list(Huge)) =:= Huge),
    ?TRY(id(1) bsl id(1 bsl 40)),
    ?TRY(C div id(0)),
    ?TRY(C rem id(0)),
    ?TRY(C + id(a)),
    ?SHOW(match(1 bsl 70)),
    ?SHOW(match((1 bsl 70) + 1)),
    ?SHOW(#{1 bsl 70 => here}),
    ?SHOW(map_get(id(1 bsl 70), #{1 bsl 70 => here})).

match(1180591620717411303424) -> two_to_the_seventy;
match(_) -> other.

factorial(0) -> 1;
factorial(N) -> N * factorial(N - 1).

fib(N) -> fib(N, 0, 1).

fib(0, A, _) -> A;
fib(N, A, B) -> fib(N - 1, B, A + B).

power(_, 0) -> 1;
power(B, N) when N rem 2 =:= 0 -> power(B * B, N div 2);
power(B, N) -> B * power(B, N - 1).

power_mod(_, 0, _) -> 1;
power_mod(B, N, M) when N rem 2 =:= 0 -> power_mod(B * B rem M, N div 2, M);
power_mod(B, N, M) -> B * power_mod(B, N - 1, M) rem M.

%% Newton's method, from above.
isqrt(N) -> isqrt(N, N).

isqrt(N, Guess) ->
    case (Guess + N div Guess) div 2 of
        Next when Next < Guess -> isqrt(N, Next);
        _ -> Guess
    end.

%% A checksum over quotients and remainders that must rebuild their dividend.
divisions(_, Divisor, Sum) when Divisor > 1 bsl 280 -> Sum rem 1000000007;
divisions(N, Divisor, Sum) ->
    Q = N div Divisor,
    R = N rem Divisor,
    N = Q * Divisor + R,
    true = R >= 0 andalso R < Divisor,
    divisions(N, Divisor * 5 + 3, Sum + Q + R).
