%% Pids, ports and references of other nodes, on a node that is not alive: order, hashes, external format, and what can be done to them.
-module(foreign_identifiers).
-export([main/0]).
-include("show.hrl").

main() ->
    Nodes = ['b@x', 'a@x', nonode@nohost],
    Pids = [{N, I, S, C} || N <- Nodes, {I, S} <- [{1, 2}, {2, 1}, {1 bsl 28, 0}, {5, 1 bsl 20}, {16#ffffffff, 16#ffffffff}],
                            C <- [7, 0, 3], N =/= nonode@nohost orelse (I < 1 bsl 28 andalso S < 1 bsl 13)],
    Ports = [{N, I, C} || N <- Nodes, I <- [1, 2, 1 bsl 31], C <- [7, 0, 3], N =/= nonode@nohost orelse I < 3],
    References = [{N, C, Ws} || N <- Nodes, Ws <- [[1, 2, 3], [3, 2, 1], [1, 2], [9], [1, 2, 3, 1, 4]], C <- [7, 0, 3],
                                N =/= nonode@nohost orelse length(Ws) =:= 3],
    ?SHOW(sorted(Pids, fun pid/1)),
    ?SHOW(sorted(Ports, fun port/1)),
    ?SHOW(sorted(References, fun reference/1)),
    All = [pid(P) || P <- Pids] ++ [port(P) || P <- Ports] ++ [reference(R) || R <- References],
    _ = [erlang:display({erlang:phash2(X), erlang:phash(X, 1 bsl 32), node(X), term_to_binary(X), text(X)}) || X <- All],
    ?SHOW([X || X <- All, binary_to_term(term_to_binary(X)) =/= X]),
    ?SHOW(length([{X, Y} || X <- All, Y <- All, X =:= Y]) =:= length(All)),
    ?SHOW([{is_pid(X), is_port(X), is_reference(X)} || X <- [pid({'a@x', 1, 2, 3}), port({'a@x', 1, 3}), reference({'a@x', 3, [1]})]]),
    Pid = pid({'a@x', 1, 2, 3}),
    Port = port({'a@x', 1, 2}),
    Reference = reference({'a@x', 1, [2, 3]}),
    ?TRY(Pid ! x),
    ?TRY(Reference ! x),
    ?SHOW(badarg(fun() -> Port ! x end)),
    ?TRY({a, 'a@x'} ! x),
    ?TRY(erlang:send({a, 'a@x'}, x, [noconnect])),
    ?TRY(erlang:send(Pid, x, [noconnect])),
    ?TRY(erlang:send(Pid, x, [nosuspend])),
    ?TRY(exit(Pid, x)),
    ?SHOW(badarg(fun() -> exit(Port, x) end)),
    ?TRY(unlink(Pid)),
    ?SHOW(badarg(fun() -> link(Port) end)),
    ?SHOW(badarg(fun() -> monitor(port, Port) end)),
    ?TRY(monitor(process, {a, 'a@x'})),
    ?TRY(monitor_node('a@x', true)),
    ?TRY(erlang:monitor_node('a@x', true, [none])),
    Monitor = monitor(process, Pid),
    ?SHOW(receive {'DOWN', Monitor, process, Pid, Why} -> Why end),
    %% Of this node in another life: nobody's any more, which may be watched.
    Earlier = port({nonode@nohost, 4711, 3}),
    Vain = monitor(port, Earlier),
    ?SHOW(receive {'DOWN', Vain, port, Earlier, Why1} -> Why1 end),
    %% Numbers that are not there are zero.
    Short = reference({'a@x', 1, [9]}),
    Long = reference({'a@x', 1, [9, 0, 0]}),
    ?SHOW({Short =:= Long, Short == Long, maps:is_key(Long, #{Short => x}), erlang:phash2(Short) =:= erlang:phash2(Long)}),
    ?SHOW([lists:member(N, nodes(known)) || N <- ['a@x', 'c@x']]),
    ?SHOW([{Creation, [is_decoded(Old) || Old <- old('a@x', Creation) ++ old(nonode@nohost, Creation)]} || Creation <- [0, 1, 3, 4, 255]]),
    ?SHOW(badarg(fun() -> is_process_alive(Pid) end)),
    ?SHOW(badarg(fun() -> process_info(Pid) end)),
    ?TRY(demonitor(Reference, [info])),
    ?TRY(unalias(Reference)),
    process_flag(trap_exit, true),
    ?TRY(link(Pid)),
    ?SHOW(receive {'EXIT', Pid, Why2} -> Why2 end).

%% Identifiers in the tags of old: creations of two bits, references whose first number has eighteen.
old(Node, Creation) ->
    Name = name(Node),
    [<<103, Name/binary, 1:32, 1:32, Creation>>, <<102, Name/binary, 1:32, Creation>>]
        ++ [<<101, Name/binary, Number:32, Creation>> || Number <- [1, 1 bsl 18]]
        ++ [<<114, 3:16, Name/binary, Creation, Number:32, 2:32, 3:32>> || Number <- [1, 1 bsl 18]].

is_decoded(Bytes) -> try binary_to_term(<<131, Bytes/binary>>) of _ -> true catch error:badarg -> false end.

badarg(Fun) -> try Fun() catch error:Reason -> Reason end.

sorted(Keys, Make) -> [Key || {_, Key} <- keysort([{Make(Key), Key} || Key <- Keys])].

%% By the first elements alone.
keysort([]) -> [];
keysort([{K, _} = P | T]) -> keysort([X || {J, _} = X <- T, J < K]) ++ [P] ++ keysort([X || {J, _} = X <- T, J >= K]).

%% Without the number of the node.
text(X) when is_pid(X) -> rest(pid_to_list(X));
text(X) when is_port(X) -> rest(erlang:port_to_list(X));
text(X) -> rest(ref_to_list(X)).

rest([$. | T]) -> T;
rest([_ | T]) -> rest(T).

name(Node) ->
    Name = atom_to_binary(Node, utf8),
    <<119, (byte_size(Name)), Name/binary>>.

pid({Node, Number, Serial, Creation}) ->
    binary_to_term(<<131, 88, (name(Node))/binary, Number:32, Serial:32, Creation:32>>).

port({Node, Number, Creation}) ->
    binary_to_term(<<131, 120, (name(Node))/binary, Number:64, Creation:32>>).

reference({Node, Creation, Words}) ->
    binary_to_term(<<131, 90, (length(Words)):16, (name(Node))/binary, Creation:32, << <<W:32>> || W <- Words >>/binary>>).
