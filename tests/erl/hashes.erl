%% -*- coding: utf-8 -*-
%% phash2, phash, md5 and the checksums: the figures must be OTP's.
-module(hashes).
-export([main/0]).
-include("show.hrl").

main() ->
    Terms = [0, 1, -1, 255, 1 bsl 27, -(1 bsl 27), 1 bsl 59, (1 bsl 59) - 1, 1 bsl 64, -(1 bsl 64), 1 bsl 500, 0.0, 1.0, -1.5, 1.0e100, a, '', nil, 'é',
             [], [a], [1, 2, 3], "abc", "a longer string of characters", [a | b], [[]], [256, 257], lists:seq(1, 50), {}, {a}, {a, 1, "b"}, {{}, []},
             <<>>, <<1>>, <<"abc">>, <<"a binary of more than sixty-four bytes, which is kept off the heap">>, <<1:1>>, <<255, 3:2>>,
             #{}, #{a => 1}, #{1 => a, 2 => b}, fun lists:map/2, fun erlang:self/0, [1 | 2], ["nested", ["lists", {"and", tuples}]]],
    [erlang:display({T, erlang:phash2(T), erlang:phash2(T, 1 bsl 32), erlang:phash(T, 1 bsl 32)}) || T <- id(Terms)],
    ?SHOW([erlang:phash2(a, R) || R <- id([1, 2, 3, 1000, 65536, 1 bsl 27, (1 bsl 32) - 1])]),
    ?TRY(erlang:phash2(a, id(0))),
    ?TRY(erlang:phash2(a, id((1 bsl 32) + 1))),
    ?SHOW(erlang:phash2(maps:from_list([{I, {I}} || I <- lists:seq(1, 100)]))),
    ?SHOW(erlang:phash2(lists:foldl(fun(I, Acc) -> [I, {Acc}] end, [], lists:seq(1, 10000)))),
    ?SHOW(erlang:phash2(1) =:= erlang:phash2(1.0)),
    ?SHOW(erlang:phash2(0.0) =:= erlang:phash2(-0.0)),
    <<_:3, Bits:48/bits, _/bits>> = id(<<"some bytes">>),
    ?SHOW(erlang:phash2(Bits)),
    ?SHOW(erlang:phash2(Bits) =:= erlang:phash2(<<Bits/bits>>)),
    ?SHOW([erlang:md5(D) || D <- id(["", "abc", <<"message digest">>, lists:duplicate(1000, $x), [<<"io">>, "list"]])]),
    Context = erlang:md5_update(erlang:md5_update(erlang:md5_init(), "ab"), <<"c">>),
    ?SHOW(erlang:md5_final(Context) =:= erlang:md5("abc")),
    ?SHOW([erlang:crc32(D) || D <- id(["", "a", "123456789", lists:duplicate(1000, $x)])]),
    ?SHOW(erlang:crc32(erlang:crc32("1234"), "56789")),
    ?SHOW(erlang:crc32_combine(erlang:crc32("1234"), erlang:crc32("56789"), 5)),
    ?SHOW([erlang:adler32(D) || D <- id(["", "a", "Wikipedia", lists:duplicate(10000, 255)])]),
    ?SHOW(erlang:adler32(erlang:adler32("Wiki"), "pedia")),
    ?SHOW(erlang:adler32_combine(erlang:adler32("Wiki"), erlang:adler32("pedia"), 5)),
    ?TRY(erlang:md5(id(atom))),
    ?TRY(erlang:crc32(id([256]))),
    ?TRY(erlang:adler32(id(atom))).
