%% What asn1rt_nif makes of bytes and of terms: right ones, wrong ones, and many that are nearly right. Printed a line each.
-module(asn1_ber).
-export([main/0]).

main() ->
    rand:seed(exsss, {1, 2, 3}),
    [decode(Bytes) || Bytes <- written()],
    [decode(random([])) || _ <- lists:seq(1, 10000)],
    [decode(random([16#30, rand:uniform(9)])) || _ <- lists:seq(1, 10000)],
    [encode(Element) || Element <- elements()],
    halt().

decode(Bytes) -> show(decode, Bytes, fun() -> asn1rt_nif:decode_ber_tlv(Bytes) end).
encode(Element) -> show(encode, Element, fun() -> asn1rt_nif:encode_ber_tlv(Element) end).

show(What, Argument, Fun) ->
    Result = try Fun() catch Class:Reason -> {Class, Reason} end,
    io:format("~p ~0p: ~0p~n", [What, Argument, Result]).

%% Bytes that mean something, in any order.
random(Begin) ->
    Pool = {2, 48, 128, 0, 0, 1, 3, 4, 36, 31, 129, 130, 161, 255, 5, 6, 95, 132},
    Count = rand:uniform(12),
    iolist_to_binary([Begin | [element(rand:uniform(tuple_size(Pool)), Pool) || _ <- lists:seq(1, Count)]]).

written() ->
    [<<>>, <<2>>, <<2, 1>>, <<2, 1, 5>>, <<2, 1, 5, 6>>, <<2, 0>>, [<<2>>, [1, 5]], abc, <<2, 1, 5:4>>,
     %% Constructed, with a length and without.
     <<48, 3, 2, 1, 5>>, <<48, 4, 2, 1, 5, 2>>, <<48, 3, 2, 2, 5, 6>>, <<48, 128, 2, 1, 5, 0, 0, 9>>, <<48, 128, 2, 1, 5>>,
     <<48, 128, 48, 128, 2, 1, 1, 0, 0, 0, 0>>, <<4, 128, 0, 0>>, <<36, 128, 4, 1, 1, 4, 1, 2, 0, 0>>,
     %% Lengths of several bytes.
     <<2, 129, 1, 5>>, <<2, 130, 0, 1, 5>>, <<2, 137, 0, 0, 0, 0, 0, 0, 0, 0, 1, 5>>, <<2, 132, 255, 255, 255, 255, 5>>, <<2, 255, 1>>,
     %% Tags of several bytes, and classes.
     <<31, 31, 1, 5>>, <<31, 129, 31, 1, 5>>, <<31, 129, 130, 3, 1, 5>>, <<31, 129, 1>>, <<95, 1, 1, 5>>, <<161, 3, 2, 1, 5>>,
     <<192, 1, 5>>, <<129, 1, 5>>].

elements() ->
    Long = fun(Size) -> {4, binary:copy(<<7>>, Size)} end,
    Deep = lists:foldl(fun(_, Inner) -> {16, [Inner]} end, {2, <<1>>}, lists:seq(1, 100)),
    [{2, <<5>>}, {2, <<>>}, {2, []}, {16, [{2, <<5>>}, {2, <<6>>}]}, Deep, Long(127), Long(128), Long(255), Long(256), Long(65536),
     {30, <<1>>}, {31, <<1>>}, {127, <<1>>}, {128, <<1>>}, {16383, <<1>>}, {16384, <<1>>}, {65535, <<1>>}, {65536, <<1>>},
     {65567, []}, {131073, <<1>>}, {196611, [{2, <<1>>}]}, {524288, <<1>>}, {-1, <<1>>}, {1 bsl 70, <<1>>}, {2, "abc"}, {2, [<<1>>]},
     {2, 5}, {a, <<1>>}].
