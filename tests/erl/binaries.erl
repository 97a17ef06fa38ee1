%% Binaries: building from segments and matching them apart again, as protocol code does.
-module(binaries).
-export([main/0]).
-include("show.hrl").

main() ->
    Packet = packet(1, id(<<"payload">>)),
    ?SHOW(Packet),
    ?SHOW(parse(Packet)),
    ?SHOW(parse(<<Packet/binary, Packet/binary>>)),
    ?SHOW(parse(binary_part(Packet, 0, 5))),
    ?SHOW(parse(<<7, 7, 7>>)),
    ?SHOW(parse(<<>>)),
    ?SHOW(stream(<<(packet(1, <<"one">>))/binary, (packet(2, <<>>))/binary, (packet(3, <<"three">>))/binary, 99>>)),
    Ip = ipv4(id({10, 0, 0, 1}), id({192, 168, 1, 200}), id(<<"data">>)),
    ?SHOW(Ip),
    ?SHOW(ipv4(Ip)),
    ?SHOW(tlv(id(<<1, 2, "ab", 2, 0, 3, 4, 1, 2, 3, 4>>))),
    ?SHOW(tlv(id(<<1, 2, "ab", 2, 9>>))),
    ?SHOW(length_prefixed(id([<<"a">>, <<"bc">>, <<>>]))),
    ?SHOW(byte_size(padded(id(<<"abc">>), 16))),
    ?SHOW(padded(id(<<"abc">>), 8)),
    ?SHOW(zeroes(id(10))),
    ?SHOW(reverse(id(<<1, 2, 3, 4, 5>>))),
    ?SHOW(sum(id(<<1, 2, 3, 4, 5>>), 0)),
    ?SHOW(nul_terminated(id(<<"C string", 0, "rest">>))),
    ?SHOW(nul_terminated(id(<<"never ends">>))),
    ?SHOW(fixed(id(<<"ID3", 4, 0, 16#80, 0, 0, 2, 1>>))),
    Big = big(2000),
    ?SHOW({byte_size(Big), erlang:md5(Big)}),
    <<Head:1000/binary, Tail/binary>> = Big,
    ?SHOW({byte_size(Head), byte_size(Tail), Head =:= Tail, <<Head/binary, Tail/binary>> =:= Big}),
    ?SHOW(binary:at(Tail, 3)).

packet(Type, Payload) ->
    <<16#CAFE:16, Type:8, (byte_size(Payload)):16/little, Payload/binary>>.

parse(<<16#CAFE:16, Type:8, Size:16/little, Payload:Size/binary, Rest/binary>>) ->
    {packet, Type, Payload, Rest};
parse(<<16#CAFE:16, _/binary>>) -> incomplete;
parse(<<>>) -> empty;
parse(Other) -> {bad, Other}.

stream(Bytes) ->
    case parse(Bytes) of
        {packet, Type, Payload, Rest} -> [{Type, Payload} | stream(Rest)];
        Other -> [Other]
    end.

ipv4({A, B, C, D}, {E, F, G, H}, Data) ->
    Length = 20 + byte_size(Data),
    <<4:4, 5:4, 0:8, Length:16, 0:16, 0:3, 0:13, 64:8, 17:8, 0:16,
      A, B, C, D, E, F, G, H, Data/bytes>>.

ipv4(<<4:4, HeaderWords:4, _Tos:8, Length:16, _Id:16, _Flags:3, _Offset:13, Ttl, Protocol,
       _Checksum:16, Source:32, Destination:4/binary, More/binary>>)
  when HeaderWords >= 5 ->
    Options = (HeaderWords - 5) * 4,
    Payload = Length - HeaderWords * 4,
    <<_:Options/binary, Data:Payload/binary, _/binary>> = More,
    {Ttl, Protocol, Source, Destination, Data}.

tlv(<<Tag, Size, Value:Size/binary, Rest/binary>>) -> [{Tag, Value} | tlv(Rest)];
tlv(<<>>) -> [];
tlv(Rest) -> [{garbage, Rest}].

length_prefixed(Items) -> << <<(byte_size(I)):32, I/binary>> || I <- Items >>.

padded(Bin, Size) -> <<Bin/binary, 0:((Size - byte_size(Bin)) * 8)>>.

zeroes(N) -> <<0:N/unit:8>>.

reverse(<<>>) -> <<>>;
reverse(<<Byte, Rest/binary>>) -> <<(reverse(Rest))/binary, Byte>>.

sum(<<Byte, Rest/binary>>, Acc) -> sum(Rest, Acc + Byte);
sum(<<>>, Acc) -> Acc.

nul_terminated(Bin) -> nul_terminated(Bin, 0).

nul_terminated(Bin, N) ->
    case Bin of
        <<S:N/binary, 0, Rest/binary>> -> {S, Rest};
        <<_:N/binary, _, _/binary>> -> nul_terminated(Bin, N + 1);
        _ -> none
    end.

fixed(<<"ID3", Major, Minor, A:1, B:1, C:1, D:1, 0:4, _:1, S1:7, _:1, S2:7, _:1, S3:7, _:1, S4:7>>) ->
    {Major, Minor, {A, B, C, D}, <<0:4, S1:7, S2:7, S3:7, S4:7>>};
fixed(<<"ID3", Rest/binary>>) -> {short, byte_size(Rest)}.

big(0) -> <<>>;
big(N) -> <<(big(N - 1))/binary, (N * 7)>>.
