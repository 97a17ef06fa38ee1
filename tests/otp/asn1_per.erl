%% What asn1rt_nif makes of instructions for the packed encoding rules. Printed a line each. What lacks operands is left out where OTP reads beyond the end.
-module(asn1_per).
-export([main/0]).

main() ->
    rand:seed(exsss, {4, 5, 6}),
    [complete(Instructions) || Instructions <- written()],
    [complete(random()) || _ <- lists:seq(1, 10000)],
    halt().

complete(Instructions) ->
    Result = try asn1rt_nif:encode_per_complete(Instructions) catch Class:Reason -> {Class, Reason} end,
    io:format("~0p: ~0p~n", [Instructions, Result]).

written() ->
    [[], <<>>, [0], [1], [2], [1, 2], [[1, [0]], <<20, 1, 7>>, 1], [20, 3, 1], [21, 0, 2, 255, 1], [30, 3, 0], [40, 3, 3, 1, 2, 1], [3], [44, 1],
     [20], [21, 0], [30, 1], [40, 1], [45, 1], [abc], abc, [256]].

random() -> [instruction(rand:uniform(9)) || _ <- lists:seq(1, rand:uniform(8))].

instruction(1) -> rand:uniform(2) - 1;
instruction(2) -> 2;
instruction(3) ->
    Count = rand:uniform(8),
    [10, Count, rand:uniform(1 bsl Count) - 1];
instruction(4) ->
    Bytes = bytes(rand:uniform(5) - 1),
    [20, byte_size(Bytes), Bytes];
instruction(5) ->
    Bytes = bytes(rand:uniform(300) - 1),
    [21, <<(byte_size(Bytes)):16>>, Bytes];
instruction(6) ->
    {Unused, Bytes} = padded(rand:uniform(4)),
    [30, Unused, byte_size(Bytes), Bytes];
instruction(7) ->
    {Unused, Bytes} = padded(rand:uniform(300)),
    [31, Unused, <<(byte_size(Bytes)):16>>, Bytes];
instruction(8) ->
    Bits = << <<(rand:uniform(2) - 1)>> || _ <- lists:seq(1, rand:uniform(20)) >>,
    Count = rand:uniform(40),
    Len = byte_size(Bits),
    case rand:uniform(4) of
        1 -> [40, Count, Len, Bits];
        2 -> [41, Count, <<Len:16>>, Bits];
        3 -> [42, <<Count:16>>, Len, Bits];
        4 -> [43, <<Count:16>>, <<Len:16>>, Bits]
    end;
instruction(9) ->
    {Unused, Bytes} = padded(rand:uniform(6)),
    Len = byte_size(Bytes),
    Count = Len * 8 - Unused + case rand:uniform(2) of 1 -> 0; 2 -> Unused + rand:uniform(20) end,
    case rand:uniform(3) of
        1 -> [45, Count, Len, Bytes];
        2 -> [46, <<Count:16>>, Len, Bytes];
        3 -> [47, <<Count:16>>, <<Len:16>>, Bytes]
    end.

bytes(Count) -> list_to_binary([rand:uniform(256) - 1 || _ <- lists:seq(1, Count)]).

%% Bytes whose last bits, so many, are not used and zero.
padded(Count) ->
    Unused = rand:uniform(8) - 1,
    Bits = Count * 8 - Unused,
    <<Used:Bits/bits, _/bits>> = bytes(Count),
    {Unused, <<Used/bits, 0:Unused>>}.
