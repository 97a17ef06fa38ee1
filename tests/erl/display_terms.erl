%% How erlang:display/1 prints every kind of term.
-module(display_terms).
-export([main/0]).
-include("show.hrl").

-record(point, {x, y = 0}).

main() ->
    [erlang:display(T) || T <- id(terms())],
    erlang:display(deep_list(30)),
    erlang:display(deep_tuple(30)),
    erlang:display(lists:seq(1, 200)),
    erlang:display(lists:duplicate(300, $a)),
    erlang:display(binary:copy(<<"abc">>, 100)),
    erlang:display(binary:copy(<<0, 1, 2>>, 100)),
    erlang:display(list_to_tuple(lists:seq(1, 100))),
    ?SHOW(erlang:display(id(returned))),
    ?SHOW(is_pid(self())),
    ?SHOW(starts_with("<0.", pid_to_list(self()))),
    ?SHOW(starts_with("#Ref<0.", ref_to_list(make_ref()))),
    ?SHOW(erlang:fun_to_list(id(fun lists:map/2))).

terms() ->
    [0, -1, 1 bsl 59, -(1 bsl 64), 1 bsl 200, 0.0, -0.0, 1.5, 1.0e100, 1.0e-100, 123456.789, 0.1, 1.0e22,
     a, 'quoted atom', [], "", "string", "with \"quotes\" and \\", "line\nbreak\ttab\r", [1, 2, 3], [7, 8, 9, 10, 11, 12, 13], [0], [31], [32], [126],
     [127], [128], [160], [161], [255], [256], [97, 98, 0], [97 | b], [97, 98 | 99], [97, b], [a | b], [a, b | c], [[a], [b, [c]]], [[] | []],
     [[], []], ["ab", "cd"], ["ab" | "cd"], {}, {a}, {a, b}, {"s", <<"b">>}, {{}}, {{a}, {b, {c}}},
     <<>>, <<0>>, <<"text">>, <<"with \"quotes\"">>, <<"tab\t">>, <<"line\n">>, <<1, 2, 3>>, <<"caf", 233>>, <<"caf", 195, 169>>, <<255>>, <<127>>, <<32>>, <<"a", 0>>,
     <<1:1>>, <<0:3>>, <<5:4>>, <<255, 1:1>>, <<"ab", 3:2>>, <<"ab", 0:7>>, #{}, #{a => 1}, #{1 => a, 2.0 => b, c => d, "e" => f, <<"g">> => h, {i} => j},
     #{a => #{b => #{c => []}}}, fun lists:map/2, fun erlang:'+'/2, fun 'Odd Module':'odd fun'/0, #point{x = 1}, [#point{x = "a", y = {}}],
     [{key, "value"}, {"k", v}], [$a, $b, {c}], [1.0, 2], {[], {}, <<>>, #{}}, ["mixed", atom, 1, 2.5, <<"bin">>, {t, [u, "p"]}]].

deep_list(0) -> leaf;
deep_list(N) -> [deep_list(N - 1)].

deep_tuple(0) -> leaf;
deep_tuple(N) -> {N, deep_tuple(N - 1)}.

starts_with([], _) -> true;
starts_with([C | Rest], [C | Text]) -> starts_with(Rest, Text);
starts_with(_, _) -> false.
