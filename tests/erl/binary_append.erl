%% Appending to a binary in a loop, with several holders of its earlier states.
%% gcstress: small
-module(binary_append).
-export([main/0, main/1]).
-include("show.hrl").

main() -> run(300000).

main([small]) -> run(300).

run(N) ->
    B = bytes(N, <<>>),
    ?SHOW({byte_size(B), erlang:crc32(B)}),
    Start = erlang:monotonic_time(millisecond),
    C = bytes(N, <<"prefix">>),
    %% A copy at every step would take minutes for the large size.
    ?SHOW(erlang:monotonic_time(millisecond) - Start < 10000),
    ?SHOW(byte_size(C)),
    branches(),
    bits(id(<<>>), 100),
    shared(),
    accumulate(N),
    nothing(),
    sent_away().

bytes(0, Acc) -> Acc;
bytes(N, Acc) -> bytes(N - 1, <<Acc/binary, N>>).

%% Two futures of the same past.
branches() ->
    Base = bytes(100, <<>>),
    One = <<Base/binary, "one">>,
    Two = <<Base/binary, "two">>,
    OneMore = <<One/binary, "more">>,
    ?SHOW({binary_part(One, 100, 3), binary_part(Two, 100, 3), binary_part(OneMore, 100, 7)}),
    ?SHOW({byte_size(Base), byte_size(One), byte_size(Two), byte_size(OneMore)}),
    ?SHOW(Base =:= binary_part(Two, 0, 100)).

bits(Acc, 0) -> ?SHOW({bit_size(Acc), Acc});
bits(Acc, N) -> bits(<<Acc/bitstring, N:3>>, N - 1).

%% A sub-binary and a match on a binary that is then appended to.
shared() ->
    Whole = bytes(200, <<>>),
    <<Head:50/binary, Middle:100/binary, Rest/binary>> = Whole,
    Longer = <<Whole/binary, Head/binary>>,
    HeadLonger = <<Head/binary, "!">>,
    RestLonger = <<Rest/binary, "?">>,
    ?SHOW({byte_size(Longer), binary_part(Longer, 200, 3), binary_part(HeadLonger, 48, 3), binary_part(RestLonger, 48, 3)}),
    ?SHOW({byte_size(Middle), binary:at(Middle, 0), binary:at(Middle, 99)}),
    ?SHOW(binary_part(Whole, 50, 3)).

accumulate(N) ->
    Text = lists:foldl(fun(I, Acc) -> <<Acc/binary, (integer_to_binary(I))/binary, $,>> end, <<>>, lists:seq(1, N div 10)),
    ?SHOW({byte_size(Text), erlang:adler32(Text)}).

%% Nothing appended is the same binary.
nothing() ->
    Long = bytes(100, <<>>),
    ?SHOW([erts_debug:same(B, <<B/binary, Nothing/binary, (id(7)):(id(0))>>)
           || B <- [id(<<"123">>), Long, id(<<>>)], Nothing <- [id(<<>>)]]),
    ?TRY(<<Long/binary, (id(atom)):(id(0))>>),
    ?SHOW(byte_size(<<Long/binary, "more">>)).

%% The receiver appends to its own copy; the sender's must not change.
sent_away() ->
    Self = self(),
    Mine = bytes(100, <<>>),
    Pid = spawn(fun() -> receive B -> Self ! <<B/binary, "theirs">> end end),
    Pid ! Mine,
    Longer = <<Mine/binary, "mine">>,
    Theirs = receive T -> T end,
    ?SHOW({binary_part(Longer, 100, 4), binary_part(Theirs, 100, 6), byte_size(Mine)}).
