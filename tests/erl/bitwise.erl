%% Bitwise operations on small and big integers of both signs.
-module(bitwise).
-export([main/0]).
-include("show.hrl").

main() ->
    Big = id((1 bsl 100) + 12345),
    Values = [0, 1, -1, 5, -5, 255, -256, 1 bsl 59, -(1 bsl 59), (1 bsl 64) - 1, -(1 bsl 64), Big, -Big],
    ?SHOW([A band B || A <- Values, B <- Values, A =< B]),
    ?SHOW([A bor B || A <- Values, B <- Values, A =< B]),
    ?SHOW([A bxor B || A <- Values, B <- Values, A =< B]),
    ?SHOW([bnot A || A <- Values]),
    ?SHOW([A bsl 1 || A <- Values]),
    ?SHOW([A bsl 67 || A <- Values]),
    ?SHOW([A bsr 1 || A <- Values]),
    ?SHOW([A bsr 63 || A <- Values]),
    ?SHOW([A bsr 64 || A <- Values]),
    ?SHOW([A bsr 1000 || A <- Values]),
    ?SHOW([A bsl id(-3) || A <- Values]),
    ?SHOW([A bsr id(-3) || A <- Values]),
    ?SHOW([A bsr (1 bsl 70) || A <- Values]),
    ?SHOW([id(0) bsl id(1 bsl 70), id(1) bsl id(-(1 bsl 70)), id(-1) bsl id(-(1 bsl 70))]),
    ?SHOW([(A bsl 70) bsr 70 =:= A || A <- Values]),
    ?SHOW([bnot (bnot A) =:= A || A <- Values]),
    ?SHOW([(A band B) + (A bor B) =:= A + B || A <- Values, B <- Values] -- [true || _ <- Values, _ <- Values]),
    ?SHOW([(A bxor B) bxor B =:= A || A <- Values, B <- Values] -- [true || _ <- Values, _ <- Values]),
    ?SHOW(popcount(id(16#DEADBEEF), 0)),
    ?SHOW([id(1) bsl N || N <- [57, 58, 59, 60, 61, 62, 63, 64]]),
    ?SHOW([id(-1) bsl N || N <- [57, 58, 59, 60, 61, 62, 63, 64]]),
    ?SHOW(id(16#F0F0) band 16#FF00 bor 16#000F),
    ?SHOW(hash("the quick brown fox", 5381)),
    ?SHOW(xorshift(id(88172645463325252), 10)),
    ?TRY(id(1.0) band 1),
    ?TRY(id(1) bor id(a)),
    ?TRY(bnot id(a)),
    ?TRY(id(a) bsl 1),
    ?TRY(id(1) bsr id(1.0)).

popcount(0, N) -> N;
popcount(X, N) -> popcount(X band (X - 1), N + 1).

hash([], H) -> H;
hash([C | Rest], H) -> hash(Rest, ((H bsl 5) + H + C) band 16#FFFFFFFF).

xorshift(_, 0) -> [];
xorshift(X0, N) ->
    X1 = X0 bxor ((X0 bsl 13) band 16#FFFFFFFFFFFFFFFF),
    X2 = X1 bxor (X1 bsr 7),
    X3 = X2 bxor ((X2 bsl 17) band 16#FFFFFFFFFFFFFFFF),
    [X3 | xorshift(X3, N - 1)].
