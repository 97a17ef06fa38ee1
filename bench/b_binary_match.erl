%% A binary taken apart: bytes, fields with sizes, and text.
-module(b_binary_match).
-export([run/0]).

run() ->
    Bytes = binary:copy(<<0, 1, 2, 3, 4, 5, 6, 7, 8, 9>>, 1000000),
    Records = binary:copy(<<1, 4:16, "data", 200:32>>, 500000),
    Text = binary:copy(<<"some words, and some more; ">>, 200000),
    {loop(8, fun() -> sum(Bytes, 0) end, 0), loop(8, fun() -> records(Records, 0) end, 0), loop(8, fun() -> words(Text, 0) end, 0)}.

loop(0, _, Sum) -> Sum;
loop(N, Fun, Sum) -> loop(N - 1, Fun, Sum + Fun()).

sum(<<B, Rest/binary>>, Acc) -> sum(Rest, Acc + B);
sum(<<>>, Acc) -> Acc.

records(<<Type, Size:16, Data:Size/binary, Value:32, Rest/binary>>, Acc) ->
    records(Rest, Acc + Type + byte_size(Data) + Value);
records(<<>>, Acc) -> Acc.

words(<<C, Rest/binary>>, N) when C =:= $\s; C =:= $,; C =:= $; -> words(Rest, N + 1);
words(<<_, Rest/binary>>, N) -> words(Rest, N);
words(<<>>, N) -> N.
