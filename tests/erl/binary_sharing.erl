%% Binaries that several processes hold, append to and match at the same time.
-module(binary_sharing).
-export([main/0]).
-include("show.hrl").

main() ->
    Prefix = append(lists:seq(1, 100), <<>>),
    Parent = self(),
    Numbers = lists:seq(1, 20),
    [spawn(fun() -> Parent ! {N, grow(N, Prefix)} end) || N <- Numbers],
    Mine = <<Prefix/binary, 255>>,
    [receive {N, Result} -> ?SHOW({N, Result}) end || N <- Numbers],
    ?SHOW(Mine),
    Long = echo(Mine, 3000),
    ?SHOW({byte_size(Long), binary:part(Long, byte_size(Long) - 8, 8)}),
    ?SHOW(garbage(id(500))),
    ?SHOW(failed_append(id(<<0:600>>), id(not_an_integer))).

append([], Acc) -> Acc;
append([Byte | Rest], Acc) -> append(Rest, <<Acc/binary, Byte>>).

%% Appends to a binary that came from another process.
grow(N, Prefix) ->
    Grown = append(lists:duplicate(500, N), <<Prefix/binary, N>>),
    {byte_size(Grown), binary:part(Grown, 95, 10), binary:last(Grown)}.

%% Appends what it matches at the front of the same binary.
echo(Bin, 0) ->
    Bin;
echo(<<X, Rest/binary>> = Bin, N) ->
    Longer = <<Bin/binary, X, N:16>>,
    <<Y, _/binary>> = Rest,
    echo(<<Longer/binary, Y>>, N - 1).

%% A megabyte a round, none of which is kept.
garbage(0) -> done;
garbage(N) ->
    Bin = <<0:8000000, N:32>>,
    1000004 = byte_size(Bin),
    garbage(N - 1).

%% An append that fails leaves the accumulator as it was.
failed_append(Base, NoInteger) ->
    Acc = <<Base/binary, 1>>,
    Failed = try <<Acc/binary, NoInteger:8>> catch error:badarg -> badarg end,
    {Failed, byte_size(<<Acc/binary, 7>>), <<Acc/binary, 8>>, Acc}.
