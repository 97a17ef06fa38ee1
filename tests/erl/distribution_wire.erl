%% The distribution protocol, packet by packet: the program plays `net_kernel`, carries a connection itself, and is the other node.
-module(distribution_wire).
-export([main/0, hello/1]).
-include("show.hrl").

-define(NODE, 'b@there').
%% All that OTP 25 is capable of.
-define(ALL, 55966662588).
-define(PUBLISHED, 1).
-define(LATE, 3000).
-define(ATOM_CACHE, 16#2000).
%% What needs a header: the cache, and messages in pieces.
-define(HEADER, 16#802000).

main() ->
    {Pid, Reference} = spawn_monitor(fun test/0),
    receive {'DOWN', Reference, process, Pid, Reason} -> ?SHOW(Reason) end.

test() ->
    register(net_kernel, self()),
    ?SHOW({node(), is_alive_(), nodes(), nodes(known)}),
    ?TRY(erlang:setnode(nonode@nohost, 7)),
    ?TRY(erlang:setnode(nameless, 7)),
    ?TRY(erlang:setnode('a@here', -1)),
    Early = self(),
    ?SHOW(erlang:setnode('a@here', 7)),
    ?TRY(erlang:setnode('c@here', 7)),
    ?SHOW({node(), node(Early), node(make_ref()), nodes(), nodes(this), erts_internal:get_creation()}),
    ?SHOW(Early =:= self()),
    ?SHOW(node(binary_to_term(term_to_binary(self()))) =:= node()),
    ?SHOW(binary_to_term(term_to_binary(self())) =:= self()),
    process_flag(trap_exit, true),
    ?TRY(erts_internal:new_connection('a@here')),
    ?TRY(erts_internal:new_connection(nameless)),
    lists_foreach(fun(Flags) -> connection(Flags) end, [?ALL bor ?PUBLISHED, ?ALL band bnot ?ATOM_CACHE, ?ALL band bnot ?HEADER]),
    pending(),
    malformed(),
    unregister(net_kernel).

is_alive_() -> erts_internal:get_creation() =/= undefined.

lists_foreach(F, [H | T]) -> F(H), lists_foreach(F, T);
lists_foreach(_, []) -> ok.

%% A connection that is open, from its beginning to its end.
connection(Flags) ->
    process_flag({monitor_nodes, #{node_type => all, nodedown_reason => true}}, true),
    Owner = self(),
    {Carrier, Watch} = spawn_monitor(fun() -> carry(Owner, Flags) end),
    receive {Carrier, up} -> ok end,
    ?SHOW(messages(2, Carrier)),
    ?SHOW({nodes(), nodes(hidden), nodes(connected)}),
    ?SHOW(nodes([hidden, visible], #{node_type => true})),
    Peer = pid(17, 2),
    ?SHOW({node(Peer), is_pid(Peer), Peer < pid(18, 0), Peer < pid(18, 2)}),
    sends(Carrier, Peer),
    links(Carrier, Peer),
    monitors(Carrier, Peer),
    exits(Carrier, Peer),
    spawns(Carrier, Peer),
    traced(Carrier, Peer),
    internal(Carrier, Peer),
    leaders(Carrier, Peer),
    %% The end.
    link(Peer),
    Reference = monitor(process, Peer),
    Named = monitor(process, {somebody, ?NODE}),
    monitor_node(?NODE, true),
    monitor_node(?NODE, true),
    _ = out(Carrier, 3),
    Carrier ! stop,
    receive {'DOWN', Watch, process, Carrier, Why} -> ?SHOW(Why) end,
    ?SHOW(receive {'EXIT', Peer, R1} -> R1 after ?LATE -> late end),
    ?SHOW(receive {'DOWN', Reference, process, Peer, R2} -> R2 after ?LATE -> late end),
    ?SHOW(receive {'DOWN', Named, process, {somebody, ?NODE}, R3} -> R3 after ?LATE -> late end),
    ?SHOW([receive {nodedown, ?NODE} -> down after ?LATE -> late end || _ <- [1, 2]]),
    ?SHOW(receive {nodedown, ?NODE, Info} -> Info after ?LATE -> late end),
    ?SHOW({nodes(connected), process_info(self(), monitors), process_info(self(), links)}),
    process_flag({monitor_nodes, #{node_type => all, nodedown_reason => true}}, false),
    ?SHOW(drain()).

sends(Carrier, Peer) ->
    Peer ! {hello, [1, 2.5, <<"binary">>, "text", #{key => 'å'}]},
    {somebody, ?NODE} ! second,
    Alias = reference([1, 2, 3]),
    Alias ! third,
    ?SHOW(erlang:send(Peer, fourth, [noconnect, nosuspend])),
    ?SHOW(out(Carrier, 4)),
    Own = self(),
    in(Carrier, {22, Peer, Own}, received_1),
    in(Carrier, {2, '', Own}, received_2),
    in(Carrier, {6, Peer, '', net_kernel}, {received, 3, Peer}),
    in(Carrier, {6, Peer, '', nobody_has_this_name}, lost),
    Mine = erlang:alias([reply]),
    in(Carrier, {33, Peer, Mine}, received_4),
    in(Carrier, {33, Peer, Mine}, lost),
    in(Carrier, {22, Peer, Own}, last),
    ?SHOW([receive Message -> Message =:= Expected orelse Message after ?LATE -> late end
           || Expected <- [received_1, received_2, {received, 3, Peer}, received_4, last]]).

links(Carrier, Peer) ->
    Own = self(),
    ?SHOW(link(Peer)),
    ?SHOW(link(Peer)),
    ?SHOW(process_info(self(), links) =:= {links, [Peer]}),
    ?SHOW(out(Carrier, 1)),
    in(Carrier, {24, Peer, Own}, {a, reason}),
    ?SHOW(receive {'EXIT', Peer, Reason1} -> Reason1 after ?LATE -> late end),
    ?SHOW(process_info(self(), links)),
    %% A link that is taken away before the other end is.
    link(Peer),
    ?SHOW(unlink(Peer)),
    [_, {35, Id, _, _}] = raw(Carrier, 2),
    ?SHOW(is_integer(Id) andalso Id > 0),
    in(Carrier, {24, Peer, Own}, nobody_sees_this),
    link(Peer),
    ?SHOW(out(Carrier, 1)),
    unlink(Peer),
    [{35, Id2, _, _}] = raw(Carrier, 1),
    in(Carrier, {36, Id, Peer, Own}),
    in(Carrier, {36, Id2, Peer, Own}),
    ?SHOW(unlink(Peer)),
    %% The other end begins.
    Linked = spawn(fun() -> receive X -> exit(X) end end),
    in(Carrier, {1, Peer, Linked}),
    in(Carrier, {35, 99, Peer, Linked}),
    ?SHOW(out(Carrier, 1)),
    in(Carrier, {1, Peer, Linked}),
    in(Carrier, {22, Peer, Linked}, {bye, now}),
    ?SHOW(out(Carrier, 1)),
    in(Carrier, {1, Peer, Linked}),
    ?SHOW(out(Carrier, 1)),
    in(Carrier, {35, 16#fffffffffffffff1, Peer, Linked}),
    ?SHOW(out(Carrier, 1)),
    in(Carrier, {22, Peer, Own}, done),
    ?SHOW(drain()).

monitors(Carrier, Peer) ->
    Own = self(),
    Reference = monitor(process, Peer),
    ?SHOW(of_peer(monitors)),
    ?SHOW(out(Carrier, 1)),
    in(Carrier, {28, Peer, Own, Reference}, its_reason),
    ?SHOW(receive {'DOWN', Reference, process, Peer, Reason} -> Reason after ?LATE -> late end),
    Named = monitor(process, {somebody, ?NODE}, [{tag, tagged}]),
    ?SHOW(of_peer(monitors)),
    ?SHOW(out(Carrier, 1)),
    in(Carrier, {21, somebody, Own, Named, noproc}),
    ?SHOW(receive {tagged, Named, process, What, Reason2} -> {What, Reason2} after ?LATE -> late end),
    Third = monitor(process, Peer),
    ?SHOW(demonitor(Third, [flush, info])),
    ?SHOW(out(Carrier, 2)),
    ?SHOW(demonitor(Third, [info])),
    %% Of the other node.
    Watched = spawn(fun() -> receive X -> exit(X) end end),
    in(Carrier, {19, Peer, Watched, reference([7, 8, 9])}),
    in(Carrier, {19, Peer, Watched, reference([7, 8, 10])}),
    in(Carrier, {20, Peer, Watched, reference([7, 8, 10])}),
    in(Carrier, {22, Peer, Watched}, ended),
    ?SHOW(out(Carrier, 1)),
    in(Carrier, {19, Peer, Watched, reference([1, 1, 1])}),
    ?SHOW(out(Carrier, 1)),
    in(Carrier, {19, Peer, not_registered, reference([1, 1, 2])}),
    ?SHOW(out(Carrier, 1)),
    register(watched, spawn(fun() -> receive X -> exit(X) end end)),
    in(Carrier, {19, Peer, watched, reference([1, 1, 3])}),
    in(Carrier, {6, Peer, '', watched}, {its, end_}),
    ?SHOW(out(Carrier, 1)).

%% What the program monitors on the other node.
of_peer(Item) ->
    {Item, All} = process_info(self(), Item),
    [case What of
         {_, ?NODE} -> What;
         _ -> node(What)
     end || {process, What} <- All, not is_pid(What) orelse node(What) =/= node()].

exits(Carrier, Peer) ->
    ?SHOW(exit(Peer, {some, reason})),
    ?SHOW(out(Carrier, 1)),
    Victim = spawn(fun() -> receive never -> ok end end),
    Reference = monitor(process, Victim),
    in(Carrier, {26, Peer, Victim}, kill),
    ?SHOW(receive {'DOWN', Reference, process, Victim, Reason} -> Reason after ?LATE -> late end),
    in(Carrier, {8, Peer, self(), {to, you}}),
    ?SHOW(receive {'EXIT', Peer, Reason2} -> Reason2 after ?LATE -> late end).

spawns(Carrier, Peer) ->
    Own = self(),
    in(Carrier, {29, reference([5, 5, 5]), Peer, Peer, {?MODULE, hello, 1}, [link, monitor, {priority, high}]}, [Own]),
    ?SHOW(receive {hello, Child} ->
              put(child, Child),
              {links, [Linked]} = process_info(Child, links),
              {group_leader, Leader} = process_info(Child, group_leader),
              {Linked =:= Peer, Leader =:= Peer, process_info(Child, priority), process_info(Child, monitored_by) =:= {monitored_by, [Peer]}}
          after ?LATE -> late end),
    ?SHOW(out(Carrier, 1)),
    in(Carrier, {22, Peer, get(child)}, go),
    ?SHOW(out(Carrier, 2)),
    in(Carrier, {29, reference([5, 5, 6]), Peer, Peer, {?MODULE, hello, 1}, [unheard_of]}, [Own]),
    ?SHOW(out(Carrier, 1)),
    %% The other way.
    Request = spawn_request_(?NODE, {m, f, [a, b]}, [link, {monitor, [{tag, gone}]}, {reply_tag, {my, tag}}]),
    ?SHOW(out(Carrier, 1)),
    New = pid(44, 0),
    in(Carrier, {31, Request, Own, 3, New}),
    ?SHOW(receive {{my, tag}, Request, ok, New} -> started after ?LATE -> late end),
    ?SHOW(process_info(self(), links) =:= {links, [New]}),
    in(Carrier, {24, New, Own}, first),
    in(Carrier, {28, New, Own, Request}, second),
    ?SHOW(receive {'EXIT', New, Reason} -> Reason after ?LATE -> late end),
    ?SHOW(receive {gone, Request, process, New, Reason2} -> Reason2 after ?LATE -> late end),
    Refused = spawn_request_(?NODE, {m, f, []}, []),
    _ = out(Carrier, 1),
    in(Carrier, {31, Refused, Own, 0, notsup}),
    ?SHOW(receive {spawn_reply, Refused, error, Reason3} -> Reason3 after ?LATE -> late end),
    Abandoned = spawn_request_(?NODE, {m, f, []}, [link]),
    _ = out(Carrier, 1),
    ?SHOW({erlang:spawn_request_abandon(Abandoned), erlang:spawn_request_abandon(Abandoned)}),
    in(Carrier, {31, Abandoned, Own, 1, pid(45, 0)}),
    ?SHOW(out(Carrier, 1)),
    lists_foreach(fun(Case) -> orphan(Carrier, Case) end,
                  [{[link], 1, false}, {[link, monitor], 3, false}, {[monitor], 2, false}, {[], 0, false}, {[link], 0, false}, {[link], 1, true}]),
    ?SHOW(drain()).

%% Who asked has ended before the answer comes: the new process is told why.
orphan(Carrier, {Options, Answered, Abandons}) ->
    {Parent, Watch} = spawn_monitor(fun() ->
        Request = spawn_request_(?NODE, {m, f, []}, Options),
        Abandons andalso erlang:spawn_request_abandon(Request),
        exit({ended, ["early", 1 bsl 70]})
    end),
    receive {'DOWN', Watch, process, Parent, _} -> ok end,
    [[{29, Request, _, _, _, _} | _]] = signals(Carrier, 1),
    in(Carrier, {31, Request, Parent, Answered, pid(46, 0)}),
    {somebody, ?NODE} ! behind,
    Sent = case Answered of 0 -> 1; 3 -> 3; _ -> 2 end,
    %% The order of what is sent to several does not matter.
    ?SHOW({Options, Answered, Abandons, sorted(out(Carrier, Sent))}).

sorted([H | T]) -> sorted([X || X <- T, X < H]) ++ [H | sorted([X || X <- T, X >= H])];
sorted([]) -> [].

%% Tokens of sequential traces go with requests for processes and their answers.
traced(Carrier, Peer) ->
    Own = self(),
    erlang:seq_trace(label, wire),
    Request = spawn_request_(?NODE, {m, f, []}, []),
    erlang:seq_trace(sequential_trace_token, []),
    ?SHOW(out(Carrier, 1)),
    in(Carrier, {32, Request, Own, 0, pid(47, 0), {0, wire, 7, pid(47, 0), 6}}),
    ?SHOW(receive {spawn_reply, Request, ok, _} -> token(Own) after ?LATE -> late end),
    erlang:seq_trace(sequential_trace_token, []),
    in(Carrier, {30, reference([5, 5, 7]), Peer, Peer, {?MODULE, hello, 1}, [], {0, wire, 20, Peer, 10}}, [Own]),
    ?SHOW(receive {hello, Child} -> Child ! go, element(3, token(Own)) after ?LATE -> late end),
    ?SHOW(out(Carrier, 1)),
    erlang:seq_trace(sequential_trace_token, []),
    erlang:system_flag(reset_seq_trace, true).

token(Pid) -> named(element(2, process_info(Pid, sequential_trace_token))).

%% What the machine's own lists say of it.
internal(Carrier, Peer) ->
    Own = self(),
    _ = erts_debug:set_internal_state(available_internal_state, true),
    link(Peer),
    Watches = [monitor(process, Peer), monitor(process, {somebody, ?NODE})],
    [monitor_node(?NODE, true) || _ <- [1, 2]],
    in(Carrier, {19, Peer, Own, reference([6, 6, 6])}),
    in(Carrier, {19, Peer, net_kernel, reference([6, 6, 7])}),
    Asked = spawn_request_(?NODE, {m, f, []}, [monitor]),
    _ = out(Carrier, 4),
    in(Carrier, {22, Peer, Own}, sync),
    receive sync -> ok end,
    [?SHOW({List, Of, sorted([entry(E) || E <- erts_debug:get_internal_state({List, What})])})
     || List <- [link_list, monitor_list], {Of, What} <- [{own, Own}, {peer, ?NODE}, {this, node()}]],
    [?TRY(erts_debug:get_internal_state({List, What})) || List <- [link_list, monitor_list], What <- ['no@where', nowhere, 17, make_ref(), Peer]],
    [{erl_link, _, Peer, linked, Number}] = erts_debug:get_internal_state({link_list, Own}),
    [{erl_link, _, Own, linked, Number}] = erts_debug:get_internal_state({link_list, ?NODE}),
    unlink(Peer),
    ?SHOW([entry(E) || E <- erts_debug:get_internal_state({link_list, Own})]),
    [{35, Id, _, _}] = raw(Carrier, 1),
    in(Carrier, {36, Id, Peer, Own}),
    in(Carrier, {31, Asked, Own, 0, notsup}),
    ?SHOW(receive {spawn_reply, Asked, error, Reason} -> Reason after ?LATE -> late end),
    [demonitor(Watch) || Watch <- Watches],
    _ = out(Carrier, 2),
    [monitor_node(?NODE, false) || _ <- [1, 2]],
    in(Carrier, {20, Peer, Own, reference([6, 6, 6])}),
    in(Carrier, {20, Peer, net_kernel, reference([6, 6, 7])}),
    in(Carrier, {22, Peer, Own}, sync),
    receive sync -> ok end,
    ?SHOW([erts_debug:get_internal_state({List, ?NODE}) || List <- [link_list, monitor_list]]).

entry({erl_link, Kind, Pid, State, _}) -> {erl_link, Kind, named(Pid), State};
%% A number that stands for the options.
entry({erl_monitor, nodes, origin, [], Options, Count}) when is_integer(Options) -> {erl_monitor, nodes, Count};
entry(Monitor) -> named(Monitor).

hello(To) ->
    To ! {hello, self()},
    receive go -> exit({was, told}) end.

spawn_request_(Node, MFA, Options) -> erts_internal:dist_spawn_request(Node, MFA, Options, spawn_request).

leaders(Carrier, Peer) ->
    ?SHOW(erts_internal:group_leader(self(), Peer)),
    ?SHOW(out(Carrier, 1)),
    Process = spawn(fun() -> receive {From, ask} -> From ! group_leader() end end),
    in(Carrier, {7, Peer, Process}),
    in(Carrier, {22, Peer, Process}, {self(), ask}),
    ?SHOW(receive Leader -> Leader =:= Peer after ?LATE -> late end).

%% What is sent before the connection is open is sent when it is.
pending() ->
    {somebody, ?NODE} ! first,
    Handle = receive {auto_connect, ?NODE, H} -> H end,
    ?SHOW(nodes(known) -- [node(), nonode@nohost]),
    Peer = pid(3, 3),
    Peer ! second,
    Monitor = monitor(process, Peer),
    ?SHOW(erlang:send(Peer, third, [noconnect])),
    Owner = self(),
    {Carrier, Watch} = spawn_monitor(fun() -> carry(Owner, ?ALL) end),
    receive {Carrier, up} -> ok end,
    ?SHOW(out(Carrier, 4)),
    ?TRY(erts_internal:abort_pending_connection(?NODE, Handle)),
    Carrier ! stop,
    receive {'DOWN', Watch, process, Carrier, _} -> ok end,
    ?SHOW(receive {'DOWN', Monitor, process, Peer, Reason} -> Reason after ?LATE -> late end),
    ?SHOW([is_tuple(M) || M <- drain()]),
    %% And lost, if nobody opens it.
    Peer ! lost,
    Handle2 = receive {auto_connect, ?NODE, H2} -> H2 end,
    Monitor2 = monitor(process, Peer),
    monitor_node(?NODE, true),
    ?TRY(erts_internal:abort_pending_connection(?NODE, Handle2)),
    ?SHOW(receive {'DOWN', Monitor2, process, Peer, Reason2} -> Reason2 after ?LATE -> late end),
    ?SHOW(receive {nodedown, ?NODE} -> down after ?LATE -> late end),
    ?SHOW(erlang:send(Peer, x, [noconnect])),
    ?SHOW(nodes(connected)).

%% What makes no sense ends the connection, and whoever carries it.
malformed() ->
    Packets = [<<1>>, <<112>>, <<112, 131>>, <<131, 68>>, <<131, 68, 1, 0, 0>>, <<131, 69, 0:128>>, <<131, 70, 1:64, 1:64, 0>>,
               <<112, 131, 104, 1, 97, 1>>, <<112, 131, 104, 2, 97, 99, 106>>, <<112, 131, 97, 1>>,
               <<131, 68, 0, 104, 3, 97, 1, 106, 106>>],
    lists_foreach(fun(Packet) -> malformed(Packet) end, Packets).

malformed(Packet) ->
    Owner = self(),
    {Carrier, Watch} = spawn_monitor(fun() -> carry(Owner, ?ALL) end),
    receive {Carrier, up} -> ok end,
    Carrier ! {packet, Packet},
    ?SHOW({Packet, receive {'DOWN', Watch, process, Carrier, Reason} -> Reason end, nodes(connected)}),
    drain().

%% Carries the connection: hands in what it is sent, and collects what there is to send.
carry(Owner, Flags) ->
    Handle0 = erts_internal:new_connection(?NODE),
    {ok, Handle} = erts_internal:create_dist_channel(?NODE, self(), {Flags, 5}),
    Handle0 = Handle,
    badarg = erts_internal:create_dist_channel(?NODE, self(), {Flags, 5}),
    ok = erlang:dist_ctrl_get_data_notification(Handle),
    Owner ! {self(), up},
    carry_on(Handle, Flags, [], <<>>).

carry_on(Handle, Flags, Waiting, State) ->
    receive
        dist_data ->
            Packets = take(Handle),
            ok = erlang:dist_ctrl_get_data_notification(Handle),
            give(Handle, Flags, Waiting ++ Packets, State);
        {want, _, _} = Want ->
            give(Handle, Flags, Waiting, Want);
        {packet, Packet} ->
            put_data(Handle, Packet),
            carry_on(Handle, Flags, Waiting, State);
        {signal, From, Terms} ->
            Packet = case Flags band ?HEADER of
                         0 -> [112, Terms];
                         _ -> [131, 68, 0, [Bytes || <<131, Bytes/binary>> <- Terms]]
                     end,
            put_data(Handle, iolist_to_binary(Packet)),
            From ! {self(), taken},
            carry_on(Handle, Flags, Waiting, State);
        stop ->
            exit(was_stopped)
    end.

%% OTP takes binaries here, and has `erts_internal:dist_ctrl_put_data/2` for I/O lists.
put_data(Handle, Packet) -> erlang:dist_ctrl_put_data(Handle, Packet).

give(Handle, Flags, Packets, {want, From, Count}) when length(Packets) >= Count ->
    {Given, Kept} = split(Count, Packets),
    From ! {self(), Given},
    carry_on(Handle, Flags, Kept, <<>>);
give(Handle, Flags, Packets, State) ->
    carry_on(Handle, Flags, Packets, State).

split(0, L) -> {[], L};
split(N, [H | T]) -> {A, B} = split(N - 1, T), {[H | A], B}.

take(Handle) ->
    case erlang:dist_ctrl_get_data(Handle) of
        none -> [];
        Data ->
            %% What OTP itself has to say to a node that comes up does not belong here.
            case decoded(iolist_to_binary(Data)) of
                [{6, _, _, Name}, _] when Name =/= somebody -> take(Handle);
                Signal -> [Signal | take(Handle)]
            end
    end.

%% Hands in a control message, with a payload.
in(Carrier, Control) -> in_(Carrier, [term_to_binary(Control)]).
in(Carrier, Control, Payload) -> in_(Carrier, [term_to_binary(Control), term_to_binary(Payload)]).

in_(Carrier, Terms) ->
    Carrier ! {signal, self(), Terms},
    receive {Carrier, taken} -> ok after ?LATE -> erlang:display({not_taken, Terms}) end.

%% The next signals that were sent, with names for the processes that they are about.
out(Carrier, Count) ->
    [named(Signal) || Signal <- signals(Carrier, Count)].

raw(Carrier, Count) ->
    [hd(Signal) || Signal <- signals(Carrier, Count)].

signals(Carrier, Count) ->
    Carrier ! {want, self(), Count},
    receive {Carrier, Signals} -> Signals after ?LATE -> [[late]] end.

decoded(<<112, Rest/binary>>) ->
    {Control, Used} = binary_to_term(Rest, [used]),
    case Rest of
        <<_:Used/binary>> -> [Control];
        <<_:Used/binary, Payload/binary>> -> [Control, binary_to_term(Payload)]
    end;
decoded(<<131, 68, 0, Rest/binary>>) ->
    both(Rest);
decoded(<<131, 68, Count, Rest/binary>>) ->
    Size = Count div 2 + 1,
    <<Flags:Size/binary, Refs/binary>> = Rest,
    Halves = [H || <<B>> <= Flags, H <- [B band 15, B bsr 4]],
    {Atoms, Body} = atoms(Count, Halves, Refs, []),
    both(iolist_to_binary(written_out(Body, Atoms))).

both(Bytes) ->
    {Control, Used} = binary_to_term(<<131, Bytes/binary>>, [used]),
    case Bytes of
        <<_:(Used - 1)/binary>> -> [Control];
        <<_:(Used - 1)/binary, Payload/binary>> -> [Control, binary_to_term(<<131, Payload/binary>>)]
    end.

%% The names that a header refers to: the cache is in the process dictionary.
atoms(0, _, Rest, Atoms) -> {list_to_tuple(reverse(Atoms, [])), Rest};
atoms(N, [Half | Halves], <<Low, Rest0/binary>>, Atoms) ->
    Slot = {slot, Half band 7, Low},
    {Atom, Rest} = case Half band 8 of
        8 ->
            <<Size, Name:Size/binary, Rest1/binary>> = Rest0,
            put(Slot, Name),
            {Name, Rest1};
        0 ->
            {get(Slot), Rest0}
    end,
    atoms(N - 1, Halves, Rest, [Atom | Atoms]).

reverse([H | T], A) -> reverse(T, [H | A]);
reverse([], A) -> A.

%% Terms with names in place of references to the header.
written_out(<<>>, _) -> [];
written_out(<<82, N, Rest/binary>>, Atoms) ->
    Name = element(N + 1, Atoms),
    [<<119, (byte_size(Name)), Name/binary>> | written_out(Rest, Atoms)];
written_out(<<104, N, Rest/binary>>, Atoms) -> [<<104, N>> | written_out(Rest, Atoms)];
written_out(<<106, Rest/binary>>, Atoms) -> [106 | written_out(Rest, Atoms)];
written_out(<<97, N, Rest/binary>>, Atoms) -> [<<97, N>> | written_out(Rest, Atoms)];
written_out(<<98, N:4/binary, Rest/binary>>, Atoms) -> [<<98, N/binary>> | written_out(Rest, Atoms)];
written_out(<<70, N:8/binary, Rest/binary>>, Atoms) -> [<<70, N/binary>> | written_out(Rest, Atoms)];
written_out(<<107, S:16, N:S/binary, Rest/binary>>, Atoms) -> [<<107, S:16, N/binary>> | written_out(Rest, Atoms)];
written_out(<<108, N:4/binary, Rest/binary>>, Atoms) -> [<<108, N/binary>> | written_out(Rest, Atoms)];
written_out(<<109, S:32, N:S/binary, Rest/binary>>, Atoms) -> [<<109, S:32, N/binary>> | written_out(Rest, Atoms)];
written_out(<<110, S, N:(S + 1)/binary, Rest/binary>>, Atoms) -> [<<110, S, N/binary>> | written_out(Rest, Atoms)];
written_out(<<116, N:4/binary, Rest/binary>>, Atoms) -> [<<116, N/binary>> | written_out(Rest, Atoms)];
written_out(<<119, S, N:S/binary, Rest/binary>>, Atoms) -> [<<119, S, N/binary>> | written_out(Rest, Atoms)];
written_out(<<88, Rest/binary>>, Atoms) ->
    {Name, <<N:12/binary, Rest1/binary>>} = node_name(Rest, Atoms),
    [88, Name, N | written_out(Rest1, Atoms)];
written_out(<<90, C:16, Rest/binary>>, Atoms) ->
    Size = 4 * (C + 1),
    {Name, <<N:Size/binary, Rest1/binary>>} = node_name(Rest, Atoms),
    [<<90, C:16>>, Name, N | written_out(Rest1, Atoms)].

node_name(<<82, N, Rest/binary>>, Atoms) ->
    Name = element(N + 1, Atoms),
    {<<119, (byte_size(Name)), Name/binary>>, Rest};
node_name(<<119, S, Name:S/binary, Rest/binary>>, _) ->
    {<<119, S, Name/binary>>, Rest}.

%% Pids and references are different in every run.
named(Term) when is_tuple(Term) -> list_to_tuple(named(tuple_to_list(Term)));
named([H | T]) -> [named(H) | named(T)];
named(Pid) when is_pid(Pid), Pid =:= self() -> own;
named(Pid) when is_pid(Pid), node(Pid) =:= node() -> local_pid;
named(Pid) when is_pid(Pid) -> remote_pid;
named(Reference) when is_reference(Reference), node(Reference) =:= node() -> local_reference;
named(Reference) when is_reference(Reference) -> Reference =:= reference(numbers(Reference)) andalso {reference, numbers(Reference)};
named(Other) -> Other.

numbers(Reference) ->
    <<131, 90, N:16, 100, S:16, _:S/binary, _:32, Words:N/binary-unit:32>> = term_to_binary(Reference, [{minor_version, 1}]),
    [W || <<W:32>> <= Words].

%% Messages about the connection, as many.
messages(Count, Carrier) ->
    [receive
         {dist_ctrlr, Carrier, ?NODE, Carrier} -> dist_ctrlr;
         {nodeup, ?NODE, Info} -> {nodeup, Info}
     end || _ <- repeat(Count)].

repeat(0) -> [];
repeat(N) -> [N | repeat(N - 1)].

drain() -> receive Message -> [Message | drain()] after 50 -> [] end.

%% Identifiers of the other node.
pid(Number, Serial) ->
    binary_to_term(<<131, 88, (name())/binary, Number:32, Serial:32, 5:32>>).

reference(Words) ->
    binary_to_term(<<131, 90, (length(Words)):16, (name())/binary, 5:32, << <<W:32>> || W <- Words >>/binary>>).

name() ->
    Name = atom_to_binary(?NODE, utf8),
    <<119, (byte_size(Name)), Name/binary>>.
