%% -*- coding: utf-8 -*-
%% The external term format: exact bytes, round trips, and refusal of damaged input.
-module(external_format).
-export([main/0]).
-include("show.hrl").

main() ->
    Terms = [0, 1, 255, 256, -1, 1 bsl 27, 1 bsl 31, -(1 bsl 31), 1 bsl 32, 1 bsl 59, 1 bsl 64, -(1 bsl 64), 1 bsl 2040, 1 bsl 2100,
             0.0, 1.5, -1.0e100, a, '', 'quoted atom', 'é', '日本', true, [], [1], [1, 2, 3], [256], "string", [a | b], [[]], [1, 2 | 3],
             {}, {a}, {1, 2.0, "x"}, <<>>, <<1, 2>>, <<1:1>>, <<255, 5:3>>, #{}, #{a => 1}, #{1 => 2, b => [c]}, fun lists:map/2],
    [erlang:display({T, term_to_binary(T)}) || T <- id(Terms)],
    ?SHOW([T || T <- id(Terms), binary_to_term(term_to_binary(T)) =/= T]),
    ?SHOW([T || T <- id(Terms), erlang:external_size(T) < byte_size(term_to_binary(T))]),
    ?SHOW(term_to_binary(id(1.5), [{minor_version, 0}])),
    ?SHOW(term_to_binary(id(a), [{minor_version, 1}])),
    ?SHOW(term_to_binary(id('é'), [{minor_version, 2}])),
    Large = lists:duplicate(1000, {some, "repeated", <<"data">>}),
    Compressed = term_to_binary(Large, [compressed]),
    ?SHOW(byte_size(Compressed) < byte_size(term_to_binary(Large)) div 10),
    ?SHOW(binary_to_term(Compressed) =:= Large),
    ?SHOW(binary_to_term(term_to_binary(Large, [{compressed, 9}])) =:= Large),
    ?SHOW(term_to_binary(id(a), [compressed])),
    ?SHOW(byte_size(term_to_binary(lists:seq(1, 70000)))),
    ?SHOW(byte_size(term_to_binary(lists:duplicate(65535, 1)))),
    ?SHOW(byte_size(term_to_binary(lists:duplicate(65536, 1)))),
    ?SHOW(byte_size(term_to_binary(list_to_tuple(lists:seq(1, 300))))),
    ?SHOW(byte_size(term_to_binary(maps:from_list([{I, I} || I <- lists:seq(1, 100)])))),
    Deep = lists:foldl(fun(_, Acc) -> {[Acc]} end, leaf, lists:seq(1, 100000)),
    ?SHOW(binary_to_term(term_to_binary(Deep)) =:= Deep),
    ?SHOW(iolist_to_binary(term_to_iovec(id({a, <<"b">>}))) =:= term_to_binary({a, <<"b">>})),
    ?SHOW(binary_to_term(term_to_binary(self())) =:= self()),
    ?SHOW(binary_to_term(id(<<131, 97, 5, "trailing">>), [used])),
    ?SHOW(binary_to_term(term_to_binary(id({ok, known})), [safe])),
    ?TRY(binary_to_term(id(<<131, 119, 26, "an atom not seen until now">>), [safe])),
    %% Old and rare encodings that must still be read.
    ?SHOW(binary_to_term(id(<<131, 100, 0, 3, "abc">>))),
    ?SHOW(binary_to_term(id(<<131, 115, 3, "abc">>))),
    ?SHOW(binary_to_term(id(<<131, 118, 0, 2, 195, 169>>))),
    ?SHOW(binary_to_term(id(<<131, 99, "1.50000000000000000000e+00", 0, 0, 0, 0, 0>>))),
    %% What is no float's text: a point without digits behind it, a blank before it, none at all.
    [?TRY(binary_to_term(id(<<131, 99, Text/binary, 0:(8 * (31 - byte_size(Text)))>>)))
     || Text <- [<<"7.">>, <<" 1.5">>, <<"15">>, <<>>, <<"1.5e">>, <<"-1.5E3">>, <<"1.5e400">>]],
    ?SHOW(binary_to_term(id(<<131, 107, 0, 2, 1, 2>>))),
    ?SHOW(binary_to_term(id(<<131, 108, 0, 0, 0, 1, 97, 1, 97, 2>>))),
    ?SHOW(binary_to_term(id(<<131, 105, 0, 0, 0, 1, 97, 1>>))),
    ?SHOW(binary_to_term(id(<<131, 110, 1, 0, 5>>))),
    ?SHOW(binary_to_term(id(<<131, 110, 1, 1, 5>>))),
    ?SHOW(binary_to_term(id(<<131, 77, 0, 0, 0, 2, 3, 255, 255>>))),
    ?SHOW(binary_to_term(id(<<131, 98, 255, 255, 255, 255>>))),
    Damaged = [<<>>, <<131>>, <<130, 97, 1>>, <<131, 97>>, <<131, 98, 1, 2>>, <<131, 108, 255, 255, 255, 255, 97>>, <<131, 104, 2, 97, 1>>,
               <<131, 109, 0, 0, 0, 9, 1>>, <<131, 255>>, <<131, 107, 0, 9, 1>>, <<131, 119, 3, "ab">>, <<131, 119, 2, 255, 255>>,
               <<131, 70, 127, 248, 0, 0, 0, 0, 0, 0>>, <<131, 116, 0, 0, 0, 2, 97, 1, 97, 1, 97, 1, 97, 2>>, <<131, 77, 0, 0, 0, 1, 9, 1>>,
               <<131, 111, 255, 255, 255, 255, 0>>, <<131, 116, 255, 255, 255, 255>>, <<131, 80, 0, 0, 0, 9, 1, 2, 3>>, <<131, 113, 97, 1, 97, 1, 97, 1>>],
    [erlang:display({B, try binary_to_term(B) catch C:R -> {C, R} end}) || B <- id(Damaged)],
    ?TRY(binary_to_term(id(not_binary))),
    ?TRY(term_to_binary(a, id([bad]))),
    ?TRY(binary_to_term(<<131, 97, 1>>, id([bad]))).
