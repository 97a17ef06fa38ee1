%% The order of all terms: number < atom < reference < fun < port < pid < tuple < map < nil < list < bitstring.
-module(term_order).
-export([main/0]).
-include("show.hrl").

main() ->
    Ref = make_ref(),
    Fun = fun() -> ok end,
    Pid = self(),
    Samples = [{small, 1}, {float, 1.5}, {big, 1 bsl 70}, {atom, abc}, {ref, Ref}, {function, Fun}, {external_fun, fun lists:map/2},
               {pid, Pid}, {tuple0, {}}, {tuple1, {z}}, {tuple2, {a, b}}, {map0, #{}}, {map1, #{a => 1}}, {nil, []}, {list, [a]},
               {improper, [a | b]}, {string, "abc"}, {empty_binary, <<>>}, {binary, <<"abc">>}, {bits, <<1:1>>}],
    ByTerm = lists:sort(fun({_, A}, {_, B}) -> A =< B end, id(Samples)),
    ?SHOW([Name || {Name, _} <- ByTerm]),
    Count = length([x || {_, A} <- Samples, {_, B} <- Samples, (A < B) =:= (B > A), (A =< B) =:= not (A > B)]),
    ?SHOW(Count),
    ?SHOW([Name || {Name, A} <- Samples, A =/= id(A)]),
    ?SHOW(lists:sort(id([b, a, 'B', 'A', '', 'a b', aa, ab, 'é', zebra, z, '_', '0']))),
    ?SHOW(lists:sort(id([{b}, {a, a}, {a}, {}, {a, b}, {1, 2, 3}, {b, a}, {z}]))),
    ?SHOW(lists:sort(id([[b], [a, a], [a], [], [a | b], [a, b], [1, 2, 3], "z"]))),
    ?SHOW(lists:sort(id([<<"b">>, <<"a">>, <<"aa">>, <<>>, <<1:1>>, <<0:1>>, <<255>>, <<97, 1:1>>, <<97, 0:1>>, <<96, 1:4>>]))),
    ?SHOW(lists:sort(id([#{b => 1}, #{a => 2}, #{a => 1}, #{a => 1, b => 2}, #{}, #{1 => 1}, #{1.0 => 1}, #{"x" => 0}]))),
    ?SHOW(lists:sort(id([#{1.0 => a}, #{1 => b}, #{2 => a}, #{a => 0}, #{0.5 => z}]))),
    ?SHOW(id([a | 1]) < id([a | 2])),
    ?SHOW(id([1, 2]) < id([1, 2 | x])),
    ?SHOW(id([1 | 2]) < id([1, 2])),
    ?SHOW(id({1, 2.0}) < id({1.0, 3})),
    ?SHOW(id(<<1:7>>) < id(<<1:8>>)),
    ?SHOW(id(<<2:2>>) > id(<<1:2, 1:6>>)),
    ?SHOW(id(aaaaaaaaaaaaaaaab) > id(aaaaaaaaaaaaaaaaa)),
    ?SHOW(id('日本') > id('zzz')),
    ?SHOW(fun lists:map/2 < fun lists:map/3),
    ?SHOW(fun lists:filter/2 < fun lists:map/2),
    {R1, R2} = {make_ref(), make_ref()},
    ?SHOW({R1 =:= R1, R1 == R2, (R1 < R2) =/= (R2 < R1)}),
    P1 = spawn(fun() -> ok end),
    P2 = spawn(fun() -> ok end),
    ?SHOW({P1 < P2, P1 =:= P2, P1 == P1}),
    %% Equality of large and deep structures.
    Deep = lists:foldl(fun(I, Acc) -> {I, [Acc], #{I => Acc}} end, leaf, lists:seq(1, 12)),
    Copy = binary_to_term(term_to_binary(Deep)),
    ?SHOW(Deep =:= Copy),
    ?SHOW(Deep < {Copy}),
    ?SHOW(lists:seq(1, 1000) < lists:seq(1, 999) ++ [1001]).
