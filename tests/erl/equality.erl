%% Exact and arithmetic equality over every type, in expressions, guards and patterns.
-module(equality).
-export([main/0]).
-include("show.hrl").

main() ->
    Terms = [0, 0.0, 1 bsl 70, float(1 bsl 70), a, '', [], "", {}, {1}, {1.0}, [1], [1.0], #{}, #{a => 1}, #{a => 1.0},
             <<>>, <<1>>, <<1:7>>, <<0, 1>>, [<<1>>], {{}}, {[]}, [[]], "a", [97 | tail], fun lists:map/2],
    Indexed = lists:zip(lists:seq(1, length(Terms)), id(Terms)),
    ?SHOW([{I, J} || {I, A} <- Indexed, {J, B} <- Indexed, I < J, A == B]),
    ?SHOW([{I, J} || {I, A} <- Indexed, {J, B} <- Indexed, I < J, A =:= B]),
    ?SHOW([I || {I, A} <- Indexed, A =/= id(A)]),
    ?SHOW([I || {I, A} <- Indexed, A /= id(A)]),
    ?SHOW([copy_differs || A <- Terms, binary_to_term(term_to_binary(A)) =/= A]),
    ?SHOW(same(x, x)),
    ?SHOW(same(1, 1.0)),
    ?SHOW(same({1, [a]}, id({1, [a]}))),
    ?SHOW(same(<<1, 2, 3>>, sub_binary())),
    ?SHOW(sub_binary() =:= <<1, 2, 3>>),
    ?SHOW(unaligned() =:= <<1, 2, 3>>),
    ?SHOW(same(unaligned(), sub_binary())),
    ?SHOW(guard(1, 1.0)),
    ?SHOW(guard(1, 1)),
    ?SHOW(guard(1, 2)),
    ?SHOW([not_equal(A, B) || A <- [1, a, [1.0]], B <- [1.0, b, [1]]]),
    ?SHOW(literal_clause({point, 1, 2})),
    ?SHOW(literal_clause({point, 1, 2.0})),
    ?SHOW(literal_clause("string")),
    ?SHOW(literal_clause(<<"binary">>)),
    ?SHOW(literal_clause(1 bsl 80)),
    ?SHOW(literal_clause(1.5)),
    ?SHOW(literal_clause([])),
    ?SHOW(literal_clause(#{})),
    X = id({deep, [structure, #{with => "everything"}]}),
    ?SHOW(begin X = id({deep, [structure, #{with => "everything"}]}), matched end),
    ?TRY(begin X = id({deep, [structure, #{with => "nothing"}]}), matched end),
    ?SHOW(id(true) and (id(1) =:= id(1))),
    ?SHOW([xor_table(A, B) || A <- [true, false], B <- [true, false]]),
    ?SHOW(not (id(a) == id(b))).

same(X, X) -> same;
same(X, Y) when X == Y -> equal;
same(_, _) -> different.

sub_binary() ->
    <<_, Part:3/binary, _/binary>> = id(<<0, 1, 2, 3, 4>>),
    Part.

unaligned() ->
    <<_:3, Part:3/binary, _/bitstring>> = id(<<0:3, 1, 2, 3, 4, 0:5>>),
    Part.

guard(A, B) when A =:= B -> exact;
guard(A, B) when A == B -> arithmetic;
guard(A, B) when A /= B, A =/= B -> neither.

not_equal(A, B) when not (A /= B) -> equal;
not_equal(_, _) -> not_equal.

literal_clause({point, 1, 2}) -> tuple;
literal_clause("string") -> string;
literal_clause(<<"binary">>) -> binary;
literal_clause(1208925819614629174706176) -> big;
literal_clause(1.5) -> float;
literal_clause([]) -> nil;
literal_clause(M) when M =:= #{} -> map;
literal_clause(_) -> none.

xor_table(A, B) -> {A xor B, A or B, A and B, A orelse B, A andalso B}.
