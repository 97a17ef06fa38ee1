%% A node that is not alive, and a machine on which nothing is traced.
-module(nodes_and_traces).
-export([main/0]).
-include("show.hrl").

main() ->
    nodes_of_a_kind(),
    distribution(),
    dynamic_tags(),
    sequential(),
    traces().

nodes_of_a_kind() ->
    ?SHOW([nodes(K, #{}) || K <- [this, visible, hidden, connected, known, [this, known], []]]),
    ?SHOW([nodes(K, #{connection_id => true, node_type => true}) || K <- [this, visible]]),
    ?SHOW(nodes(this, #{node_type => true, connection_id => false})),
    ?TRY(nodes(id(this), id(#{connection_id => maybe_}))),
    ?TRY(nodes(this, id(#{other => true}))),
    ?TRY(nodes(this, id([]))),
    ?TRY(nodes(id(other), #{})).

distribution() ->
    ?SHOW([erts_internal:get_creation(), is_tuple(erts_internal:get_dflags())]),
    ?TRY(erlang:setnode(id(a@b), 1)),
    ?TRY(erts_internal:abort_pending_connection(a@b, id({1, x}))),
    ?SHOW(erts_internal:create_dist_channel(a@b, self(), {1, 2})),
    ?TRY(erlang:dist_ctrl_get_data(id(x))),
    ?TRY(erlang:dist_ctrl_get_data_notification(id(x))),
    ?TRY(erlang:dist_ctrl_get_opt(id(x), get_size)),
    ?TRY(erlang:dist_ctrl_set_opt(id(x), get_size, true)),
    ?TRY(erlang:dist_ctrl_input_handler(id(x), self())),
    ?TRY(erlang:dist_ctrl_put_data(id(x), <<>>)),
    ?TRY(erlang:dist_get_stat(id(x))),
    ?SHOW(net_kernel:dflag_unicode_io(self())),
    ?TRY(net_kernel:dflag_unicode_io(id(x))),
    {Pid, Ref} = spawn_monitor(fun() -> receive stop -> ok end end),
    ?SHOW(erlang:exit_signal(Pid, enough)),
    ?SHOW(receive {'DOWN', Ref, process, Pid, Reason} -> Reason end),
    ?TRY(erlang:exit_signal(id(x), enough)).

dynamic_tags() ->
    ?SHOW([erlang:dt_get_tag(), erlang:dt_get_tag_data(), erlang:dt_put_tag(<<"tag">>)]),
    ?SHOW([erlang:dt_prepend_vm_tag_data("data"), erlang:dt_append_vm_tag_data(<<"data">>)]),
    ?SHOW([erlang:dt_spread_tag(B) || B <- [true, false]]),
    ?SHOW(erlang:dt_restore_tag(true)),
    ?TRY(erlang:dt_spread_tag(id(x))),
    ?TRY(erlang:dt_restore_tag(id(x))).

sequential() ->
    ?SHOW([erlang:seq_trace_info(I) || I <- [label, serial, send, 'receive', print, timestamp, monotonic_timestamp]]),
    ?TRY(erlang:seq_trace_info(id(other))),
    ?SHOW(erlang:seq_trace(sequential_trace_token, [])),
    ?TRY(erlang:seq_trace(id(other), true)),
    ?TRY(erlang:seq_trace(print, id(x))),
    ?SHOW([erlang:seq_trace_print(x), erlang:seq_trace_print(1, x)]),
    ?SHOW(erlang:system_info(sequential_tracer)),
    ?SHOW(erlang:system_flag(sequential_tracer, false)),
    ?SHOW([erlang:seq_trace(F, false) || F <- [send, 'receive', print]]).

traces() ->
    ?SHOW([erlang:trace_info(self(), I) || I <- [flags, tracer]]),
    ?SHOW([erlang:trace_info(E, flags) || E <- [new, new_processes, new_ports]]),
    ?SHOW([erlang:trace_info({lists, reverse, 2}, I)
           || I <- [all, traced, match_spec, meta, meta_match_spec, call_count, call_time]]),
    ?SHOW(erlang:trace_info({no_such_module, f, 0}, all)),
    ?SHOW([erlang:trace_info({?MODULE, F, 0}, I) || F <- [main, no_such_function], I <- [1, "a", no_item]]),
    ?SHOW(erlang:trace_info(on_load, all)),
    ?SHOW([erlang:trace_info(E, match_spec) || E <- [send, 'receive']]),
    ?TRY(erlang:trace_info(id(other), flags)),
    ?TRY(erlang:trace_info(self(), id(other))),
    ?SHOW(erlang:trace_info({lists, reverse, 2}, id(other))),
    ?SHOW([delivered(P) || P <- [all, self()]]),
    ?TRY(erlang:trace_delivered(id(x))).

delivered(Pid) ->
    Ref = erlang:trace_delivered(Pid),
    receive {trace_delivered, Pid, Ref} -> delivered after 1000 -> lost end.
