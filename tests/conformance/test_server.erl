%% What test suites call of `test_server`, without it: time, repetition, other nodes.
-module(test_server).
-export([lookup_config/2, config/2, sleep/1, adjusted_sleep/1, seconds/1, minutes/1, hours/1,
         timetrap/1, timetrap_cancel/0, timetrap_cancel/1, timetrap_scale_factor/0, timecall/3,
         fail/0, fail/1, fault/1, format/1, format/2, format/3, comment/1, break/1, do_times/2, do_times/4,
         m_out_of_n/3, call_crash/3, call_crash/4, call_crash/5, eval_timecall/3,
         is_native/1, is_debug/0, is_cover/0, is_cover/1, is_asan/0, is_valgrind/0, is_commercial/0,
         memory_checker/0, is_release_available/1, get_timetrap_info/0,
         capture_start/0, capture_stop/0, capture_get/0, messages_get/0, app_test/1, app_test/2,
         appup_test/1, appup_test/2, os_type/0, get_hosts/0, program/0, temp_name/1, permit_io/2,
         start_node/3, stop_node/1, wait_for_node/1, peer_name/2, start_peer/3, start_peer/5]).

lookup_config(Key, Config) -> proplists:get_value(Key, Config).
config(Key, Config) -> lookup_config(Key, Config).

sleep(Time) -> adjusted_sleep(Time).
adjusted_sleep(infinity) -> receive after infinity -> ok end;
adjusted_sleep({seconds, N}) -> adjusted_sleep(seconds(N));
adjusted_sleep({minutes, N}) -> adjusted_sleep(minutes(N));
adjusted_sleep({hours, N}) -> adjusted_sleep(hours(N));
adjusted_sleep(Time) -> receive after trunc(Time) -> ok end.

seconds(N) -> round(N * 1000).
minutes(N) -> round(N * 60000).
hours(N) -> round(N * 3600000).

%% The time of a case counts anew from here.
timetrap(Time) -> conformance_case:timetrap(Time).
timetrap_cancel() -> ok.
timetrap_cancel(_) -> ok.
timetrap_scale_factor() -> 1.
get_timetrap_info() -> {conformance_case:time_limit(), {false, 1}}.

timecall(M, F, A) ->
    {Time, Value} = timer:tc(M, F, A),
    {Time / 1000000, Value}.
eval_timecall(M, F, A) -> timecall(M, F, A).

fail() -> exit(suite_failed).
fail(Reason) -> exit({suite_failed, Reason}).
fault(Reason) -> exit(Reason).

format(_) -> ok.
format(_, _) -> ok.
format(_, _, _) -> ok.
comment(_) -> ok.
break(_) -> ok.
permit_io(_, Fun) -> Fun().

do_times(0, _) -> ok;
do_times(N, Fun) -> Fun(), do_times(N - 1, Fun).
do_times(0, _, _, _) -> ok;
do_times(N, M, F, A) -> apply(M, F, A), do_times(N - 1, M, F, A).

%% M of N calls have to return.
m_out_of_n(0, _, _) -> ok;
m_out_of_n(M, 0, _) -> exit({m_out_of_n_failed, {M, left_to_do}});
m_out_of_n(M, N, Fun) ->
    case catch Fun() of
        {'EXIT', _} -> m_out_of_n(M, N - 1, Fun);
        _ -> m_out_of_n(M - 1, N - 1, Fun)
    end.

call_crash(M, F, A) -> call_crash(infinity, any, M, F, A).
call_crash(Time, M, F, A) -> call_crash(Time, any, M, F, A).
call_crash(Time, Reason, M, F, A) ->
    Flag = process_flag(trap_exit, true),
    Pid = spawn_link(M, F, A),
    receive
        {'EXIT', Pid, Why} ->
            process_flag(trap_exit, Flag),
            case Why of
                _ when Reason =:= any, Why =/= normal -> ok;
                {Reason, _} -> ok;
                Reason -> ok;
                _ -> exit({wrong_crash_reason, Why})
            end
    after Time ->
            exit(call_crash_timeout)
    end.

is_native(_) -> false.
is_debug() -> false.
is_cover() -> false.
is_cover(_) -> false.
is_asan() -> false.
is_valgrind() -> false.
is_commercial() -> false.
memory_checker() -> none.
is_release_available(_) -> false.

capture_start() -> conformance_io:capture(start).
capture_stop() -> conformance_io:capture(stop).
capture_get() -> conformance_io:captured().

messages_get() ->
    receive Message -> [Message | messages_get()]
    after 0 -> []
    end.

%% Checks of an application's files are none of the runtime system.
app_test(_) -> {skip, "checks of application files are left out"}.
app_test(_, _) -> {skip, "checks of application files are left out"}.
appup_test(_) -> ok.
appup_test(_, _) -> ok.

os_type() -> os:type().
get_hosts() -> [].

%% What starts a node like this one: a path.
program() ->
    Program = os:getenv("CONFORMANCE_PROGRAM", "erl"),
    case os:find_executable(Program) of
        false -> Program;
        Path -> Path
    end.

temp_name(Stem) -> Stem ++ integer_to_list(erlang:unique_integer([positive])).

peer_name(Module, Case) ->
    Text = lists:concat([Module, "-", Case, "-", os:getpid(), "-", erlang:unique_integer([positive])]),
    list_to_atom(lists:sublist([case C of $. -> $_; _ -> C end || C <- Text], 200)).

%% Another node, linked to who asks; distribution has to run.
start_peer(Args, Module, Case) when is_list(Args) ->
    start_peer(#{args => Args}, Module, Case);
start_peer(Options, Module, Case) ->
    Own = ["-pa" | [filename:absname(D) || D <- code:get_path(), not lists:prefix(code:lib_dir(), D)]],
    Given = maps:get(args, Options, []),
    Program = #{name => peer_name(Module, Case), exec => program()},
    peer_started(maps:merge(Program, Options#{args => Given ++ Own})).

peer_started(Options) ->
    case peer:start_link(Options) of
        {ok, Peer} -> {ok, Peer, maps:get(name, Options)};
        Other -> Other
    end.

%% Nodes of other releases.
start_peer(_, _, _, _, _) -> not_available.

start_node(Name, _Type, Options) ->
    Args = string:lexemes(lists:flatten(proplists:get_value(args, Options, "")), " "),
    case start_peer(#{name => Name, args => Args, connection => standard_io}, ?MODULE, Name) of
        {ok, Peer, Node} ->
            put({peer, Node}, Peer),
            {ok, Node};
        Error -> Error
    end.

stop_node(Node) ->
    case erase({peer, Node}) of
        undefined -> erpc:cast(Node, erlang, halt, []), true;
        Peer -> peer:stop(Peer), true
    end.

wait_for_node(Node) -> net_adm:ping(Node), ok.
