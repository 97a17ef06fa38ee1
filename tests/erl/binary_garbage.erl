%% Large binaries that die at once, made by built-ins and by building: their memory must
%% come back although the process's own heap hardly grows.
%% gcstress: small
-module(binary_garbage).
-export([main/0, main/1]).
-include("show.hrl").

%% What may be left after a loop, and how much a loop makes in all.
-define(LIMIT, 20000000).
-define(SIZE, 1000000).

main() -> run(200).

main([small]) -> run(25).

run(N) ->
    Block = binary:copy(id(<<7>>), ?SIZE),
    Bytes = lists:duplicate(?SIZE div 20, 7),
    ?SHOW(left(N, fun(_) -> binary:copy(<<7>>, ?SIZE) end)),
    ?SHOW(left(N, fun(I) -> <<Block/binary, I>> end)),
    ?SHOW(left(N, fun(_) -> term_to_binary(Block) end)),
    ?SHOW(left(N, fun(_) -> binary_to_term(term_to_binary({Block})) end)),
    ?SHOW(left(N, fun(I) -> iolist_to_binary([Block, I rem 256]) end)),
    ?SHOW(left(N, fun(_) -> list_to_binary(Bytes) end)),
    ?SHOW(left(N, fun(_) -> binary:replace(Block, <<8>>, <<>>) end)),
    Self = self(),
    Echo = spawn(fun Loop() -> receive Binary -> Self ! byte_size(Binary), Loop() end end),
    ?SHOW(left(N, fun(_) -> Echo ! binary:copy(<<7>>, ?SIZE), receive Size -> Size end end)),
    ?SHOW(left(N, fun(_) -> spawn_monitor(fun() -> binary:copy(<<7>>, ?SIZE) end), receive {'DOWN', _, _, _, Reason} -> Reason end end)),
    exit(Echo, kill),
    ?SHOW(byte_size(Block)).

%% Whether no more than the limit is in use for binaries at any time of the loop.
left(0, _) -> fine;
left(N, F) ->
    F(N),
    case erlang:memory(binary) of
        Bytes when Bytes < ?LIMIT -> left(N - 1, F);
        Bytes -> {too_much, Bytes, at, N}
    end.
