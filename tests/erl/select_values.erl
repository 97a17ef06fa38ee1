%% Branching on many literals: integers dense and sparse, atoms, arities, mixed types, binaries.
-module(select_values).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW([dense(N) || N <- id([-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 5.0, a, 1 bsl 70])]),
    ?SHOW([sparse(N) || N <- id([-1000000, -7, 0, 3, 50, 999, 123456789, 1 bsl 58, 1 bsl 59, 1 bsl 60, 2, 51])]),
    ?SHOW([atoms(A) || A <- id([alpha, beta, gamma, delta, epsilon, zeta, eta, theta, iota, kappa, lambda, mu, nu, 'not there', 1, "alpha"])]),
    ?SHOW([arity(T) || T <- id([{}, {1}, {1, 2}, {1, 2, 3}, {1, 2, 3, 4}, {1, 2, 3, 4, 5}, [], a, 1])]),
    ?SHOW([tagged(T) || T <- id([{a, 1}, {b, 1}, {c, 1, 2}, {d, 1}, {a, 1, 2}, {"a", 1}, {1, 1}, {a}])]),
    ?SHOW([mixed(X) || X <- id([1, 1.0, a, "a", <<"a">>, {}, [], #{}, 1 bsl 65, -1, [a], true])]),
    ?SHOW([both(A, B) || A <- [1, 2, 3], B <- [x, y, z]]),
    ?SHOW([binaries(B) || B <- id([<<"get">>, <<"put">>, <<"post">>, <<"delete">>, <<"gets">>, <<>>, <<"GET">>])]),
    ?SHOW([strings(S) || S <- id(["get", "put", "post", "", "ge", [$g, $e, $t]])]),
    ?SHOW([floats(F) || F <- id([0.0, -0.0, 1.5, 2.5, 1, 0])]),
    ?SHOW([nested(T) || T <- id([{ok, {a, 1}}, {ok, {a, 2}}, {ok, {b, 1}}, {ok, [1]}, {error, x}, {ok, {a, x}}])]),
    ?SHOW([opcode(N) || N <- lists:seq(0, 20)]),
    ?SHOW([vowel(C) || C <- id("eridanus")]),
    ?SHOW([boolean(A, B) || A <- [true, false], B <- [true, false]]).

dense(0) -> zero; dense(1) -> one; dense(2) -> two; dense(3) -> three; dense(4) -> four;
dense(5) -> five; dense(6) -> six; dense(7) -> seven; dense(8) -> eight; dense(9) -> nine;
dense(_) -> other.

sparse(-1000000) -> a; sparse(-7) -> b; sparse(0) -> c; sparse(3) -> d; sparse(50) -> e; sparse(999) -> f;
sparse(123456789) -> g; sparse(288230376151711744) -> h; sparse(576460752303423488) -> i; sparse(1152921504606846976) -> j;
sparse(_) -> none.

atoms(alpha) -> 1; atoms(beta) -> 2; atoms(gamma) -> 3; atoms(delta) -> 4; atoms(epsilon) -> 5; atoms(zeta) -> 6;
atoms(eta) -> 7; atoms(theta) -> 8; atoms(iota) -> 9; atoms(kappa) -> 10; atoms(lambda) -> 11; atoms(mu) -> 12;
atoms(A) when is_atom(A) -> atom;
atoms(_) -> none.

arity({}) -> 0; arity({_}) -> 1; arity({_, _}) -> 2; arity({_, _, _}) -> 3; arity({_, _, _, _}) -> 4;
arity(T) when is_tuple(T) -> more;
arity(_) -> none.

tagged({a, X}) -> {a, X};
tagged({b, X}) -> {b, X};
tagged({c, X, Y}) -> {c, X, Y};
tagged({_, X}) -> {unknown, X};
tagged(T) -> {other, tuple_size(T)}.

mixed(1) -> integer; mixed(1.0) -> float; mixed(a) -> atom; mixed("a") -> string; mixed(<<"a">>) -> binary; mixed({}) -> tuple;
mixed([]) -> nil; mixed(M) when M =:= #{} -> map; mixed(36893488147419103232) -> big; mixed(true) -> boolean;
mixed(_) -> none.

both(1, x) -> a; both(1, y) -> b; both(2, x) -> c; both(2, _) -> d; both(_, z) -> e; both(3, B) -> {f, B}; both(A, B) -> {A, B}.

binaries(<<"get">>) -> 1; binaries(<<"put">>) -> 2; binaries(<<"post">>) -> 3; binaries(<<"delete">>) -> 4; binaries(<<>>) -> 0;
binaries(_) -> none.

strings("get") -> 1; strings("put") -> 2; strings("post") -> 3; strings("") -> 0; strings(_) -> none.

floats(0.0) -> zero; floats(1.5) -> one_and_half; floats(F) when is_float(F) -> float; floats(0) -> integer_zero; floats(_) -> none.

nested({ok, {a, 1}}) -> a1; nested({ok, {a, N}}) when is_integer(N) -> {a, N}; nested({ok, {T, _}}) -> T; nested({ok, [X]}) -> X; nested({error, _}) -> error.

opcode(N) ->
    case N of
        0 -> nop; 1 -> load; 2 -> store; 3 -> add; 4 -> sub; 7 -> jump; 8 -> call; 9 -> ret; 15 -> halt;
        _ when N > 16 -> invalid;
        _ -> reserved
    end.

vowel(C) when C =:= $a; C =:= $e; C =:= $i; C =:= $o; C =:= $u -> vowel;
vowel(_) -> consonant.

boolean(true, true) -> both; boolean(true, false) -> first; boolean(false, true) -> second; boolean(false, false) -> none.
