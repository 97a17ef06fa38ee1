%% system_info, system_flag, statistics and memory where their answers are the same on every machine, and what erts_internal tells.
-module(system_queries).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW([erlang:system_info(I)
           || I <- [wordsize, {wordsize, internal}, {wordsize, external}, creation, atom_limit, context_reductions,
                    compat_rel, debug_compiled, lock_counting | fixed()]]),
    [?TRY(erlang:system_info(id(I)))
     || I <- [1, other, {other, x}, {wordsize, x}, {allocator, x}, {cpu_topology, x}, {memory_internal, 1, 2}, {a, b, c}]],
    ?SHOW([is_list(erlang:system_info(I)) || I <- [alloc_util_allocators, allocated_areas, taints, snifs, heap_sizes]]),
    ?SHOW(lists:member({lists, reverse, 2}, erlang:system_info(snifs))),
    ?SHOW([element(1, erlang:system_info(I)) || I <- [os_type, min_heap_size, fullsweep_after, scheduler_bindings]]),
    ?SHOW([is_integer(erlang:system_info(I)) || I <- [atom_count, process_count, start_time, end_time, schedulers]]),
    memory(),
    flags(),
    counters(),
    internals(),
    numbers().

fixed() ->
    [otp_release, version, heap_type, message_queue_data, time_offset, time_warp_mode, time_correction, dynamic_trace,
     dynamic_trace_probes, modified_timing_level, trace_control_word, smp_support, threads, multi_scheduling_blockers,
     outstanding_system_requests_limit, driver_version, nif_version, machine, break_ignored, delayed_node_table_gc, dist].

memory() ->
    ?SHOW([K || {K, V} <- erlang:memory(), is_integer(V)]),
    ?SHOW(erlang:memory(total) > erlang:memory(code)),
    ?TRY(erlang:memory(id(other))),
    Ref = make_ref(),
    ?SHOW(erlang:system_info({memory_internal, Ref, [eheap_alloc]})),
    [receive {Ref, _, [{eheap_alloc, _, L} | _]} when is_list(L) -> ok end || _ <- lists:seq(2, erts_internal:no_aux_work_threads())],
    ok.

flags() ->
    ?SHOW([erlang:system_flag(F, V) || {F, V} <- [{trace_control_word, 7}, {trace_control_word, 0}, {time_offset, finalize},
                                                  {outstanding_system_requests_limit, 7},
                                                  {outstanding_system_requests_limit, 4}, {backtrace_depth, 8}]]),
    [?TRY(erlang:system_flag(id(F), id(V)))
     || {F, V} <- [{trace_control_word, -1}, {outstanding_system_requests_limit, 0}, {system_logger, 1}, {system_logger, other},
                   {other, 1}, {1, 1}, {time_offset, x}, {backtrace_depth, -1}, {min_heap_size, x}, {fullsweep_after, -1},
                   {sequential_tracer, x}]],
    Logger = erlang:system_flag(system_logger, self()),
    ?SHOW(erlang:system_info(system_logger) =:= self()),
    ?SHOW(erlang:system_flag(system_logger, undefined) =:= self()),
    ?SHOW(erlang:system_flag(system_logger, Logger)).

counters() ->
    ?SHOW([tuple_size(statistics(I)) || I <- [reductions, exact_reductions, runtime, wall_clock, garbage_collection, io]]),
    ?SHOW([statistics(I) || I <- [scheduler_wall_time, scheduler_wall_time_all]]),
    ?SHOW([is_integer(statistics(I)) || I <- [run_queue, total_active_tasks, total_run_queue_lengths]]),
    ?TRY(statistics(id(other))),
    ?SHOW(erts_internal:scheduler_wall_time(true)),
    ?SHOW([S || {S, Active, Total} <- statistics(scheduler_wall_time), Active =< Total, S =:= 1]),
    ?SHOW(erts_internal:scheduler_wall_time(false)),
    ?SHOW(statistics(scheduler_wall_time)).

internals() ->
    ?SHOW([erts_internal:time_unit(), erts_internal:perf_counter_unit()]),
    Large = maps:from_list([{N, N} || N <- lists:seq(1, 100)]),
    ?SHOW([erts_internal:term_type(T)
           || T <- [1, 1 bsl 70, 1.0, [1], [], {}, {1}, a, <<1>>, binary:copy(<<1>>, 100), #{}, #{a => 1}, Large,
                    fun lists:map/2, fun() -> Large end, self(), make_ref()]]),
    ?TRY(erts_internal:map_hashmap_children(id(#{a => 1}))),
    ?SHOW(is_list(erts_internal:map_hashmap_children(Large))),
    ?SHOW(erts_internal:system_check(schedulers)),
    ?TRY(erts_internal:system_check(id(other))).

%% erts_internal:list_to_integer/2 and binary_to_integer/2 are OTP 27's; what they are for is in both.
numbers() ->
    [?TRY(list_to_integer(id(S), id(B))) || {S, B} <- [{"7f", 16}, {"-7F", 16}, {"+zz", 36}, {"102", 2}, {"", 10}, {"1", 37}]].
