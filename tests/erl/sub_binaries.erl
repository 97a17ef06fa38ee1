%% Sub-binaries, large shared binaries, and what survives garbage collection.
-module(sub_binaries).
-export([main/0]).
-include("show.hrl").

main() ->
    Big = binary:copy(id(<<"0123456789">>), 1000),
    ?SHOW(byte_size(Big)),
    <<A:100/binary, B:5/binary, C/binary>> = Big,
    ?SHOW({byte_size(A), B, byte_size(C)}),
    Parts = [binary:part(Big, P, 7) || P <- lists:seq(0, 9990, 333)],
    erlang:garbage_collect(),
    ?SHOW(Parts),
    ?SHOW(binary:part(Big, {byte_size(Big), -10})),
    ?SHOW(binary_part(Big, 9995, 5)),
    ?SHOW(split_binary(id(<<"abcdef">>), 2)),
    ?SHOW(split_binary(id(<<"abcdef">>), 0)),
    ?SHOW(split_binary(id(<<"abcdef">>), 6)),
    ?TRY(split_binary(id(<<"abcdef">>), 7)),
    ?TRY(binary_part(id(<<"abc">>), 2, 2)),
    ?TRY(binary_part(id(<<"abc">>), -1, 1)),
    ?SHOW(binary_part(id(<<"abc">>), 3, -3)),
    ?SHOW(binary_part(id(<<"abc">>), {1, 1})),
    %% A sub-binary of a sub-binary of bits.
    <<_:3, Odd:80/bits, _/bits>> = Big,
    <<_:5, Odder:4/binary, _/bits>> = Odd,
    ?SHOW({Odd, Odder}),
    ?SHOW(binary:copy(Odder)),
    ?SHOW(binary:referenced_byte_size(binary:copy(B))),
    %% 64 bytes live on the heap, 65 do not; nothing may tell.
    Sizes = [63, 64, 65, 66, 255, 256, 257],
    Binaries = [binary:copy(<<N>>, N) || N <- Sizes],
    ?SHOW([byte_size(X) || X <- Binaries]),
    Self = self(),
    Echo = spawn(fun Loop() -> receive stop -> ok; X -> Self ! {echo, X}, Loop() end end),
    ?SHOW([begin Echo ! X, receive {echo, Y} -> Y =:= X end end || X <- Binaries]),
    ?SHOW([begin Echo ! X, receive {echo, Y} -> Y end end || X <- [Odd, Odder, B, <<>>, <<1:1>>]]),
    Echo ! stop,
    %% Many processes hold parts of one binary; the owner forgets it.
    Holders = [spawn(fun() -> receive {keep, X} -> receive show -> Self ! {kept, X} end end end) || _ <- lists:seq(1, 20)],
    give(Holders, binary:copy(<<"shared">>, 100)),
    erlang:garbage_collect(),
    [H ! show || H <- Holders],
    ?SHOW(lists:usort([receive {kept, X} -> X end || _ <- Holders])),
    ?SHOW(lists:foldl(fun(_, Acc) -> garbage(Acc) end, 0, lists:seq(1, 50))).

give(Holders, Binary) ->
    [H ! {keep, binary:part(Binary, 6 * (I rem 3), 12)} || {I, H} <- lists:zip(lists:seq(1, length(Holders)), Holders)].

%% Large binaries that die at once: their memory must come back.
garbage(Acc) -> Acc + byte_size(binary:copy(<<0>>, 1000000)).
