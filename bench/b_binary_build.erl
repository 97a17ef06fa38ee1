%% A binary grown by appending, byte by byte and number by number.
-module(b_binary_build).
-export([run/0]).

run() -> {erlang:crc32(bytes(20000000, <<>>)), erlang:crc32(numbers(4000000, <<>>))}.

bytes(0, Acc) -> Acc;
bytes(N, Acc) -> bytes(N - 1, <<Acc/binary, N>>).

numbers(0, Acc) -> Acc;
numbers(N, Acc) -> numbers(N - 1, <<Acc/binary, N:32, (N rem 7):16/little, "x">>).
