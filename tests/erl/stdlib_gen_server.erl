%% OTP's own gen_server, without kernel: calls, casts, timeouts, stop.
%% No failing server: its report would need kernel's logger.
-module(stdlib_gen_server).
-behaviour(gen_server).
-export([main/0, init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).
-include("show.hrl").

main() ->
    process_flag(trap_exit, true),
    {ok, Pid} = gen_server:start_link({local, counter}, ?MODULE, 10, []),
    ?SHOW(whereis(counter) =:= Pid),
    ?SHOW(gen_server:call(counter, get)),
    ?SHOW(gen_server:cast(counter, {add, 5})),
    ?SHOW(gen_server:call(Pid, get)),
    Pid ! {info, 100},
    ?SHOW(gen_server:call(Pid, get)),
    ?SHOW(gen_server:call(Pid, later, 1000)),
    ?SHOW([gen_server:call(Pid, {add, N}) || N <- lists:seq(1, 10)]),
    ?SHOW(try gen_server:call(Pid, never, 20) catch exit:{Reason, {gen_server, call, _}} -> Reason end),
    ?SHOW(gen_server:call(Pid, get)),
    ?SHOW(sys:get_state(Pid)),
    ?SHOW(gen_server:call(Pid, with_timeout)),
    ?SHOW(receive timed_out -> timed_out after 1000 -> lost end),
    ?SHOW(gen_server:stop(Pid)),
    ?SHOW(receive {'EXIT', Pid, R1} -> R1 end),
    ?SHOW(try gen_server:call(counter, get) catch exit:{noproc, _} -> noproc end),
    ?SHOW(gen_server:start_link(?MODULE, ignore, [])),
    ?SHOW(element(1, gen_server:start(?MODULE, 0, []))).

init(ignore) -> ignore;
init(N) -> {ok, N}.

handle_call(get, _From, N) -> {reply, N, N};
handle_call({add, M}, _From, N) -> {reply, N + M, N + M};
handle_call(later, From, N) ->
    spawn(fun() -> gen_server:reply(From, from_elsewhere) end),
    {noreply, N};
handle_call(never, _From, N) -> {noreply, N};
handle_call(with_timeout, {Caller, _}, _) -> {reply, ok, {timeout, Caller}, 10}.

handle_cast({add, M}, N) -> {noreply, N + M}.

handle_info({info, M}, N) -> {noreply, N + M};
handle_info(timeout, {timeout, Caller}) -> Caller ! timed_out, {noreply, 0}.

terminate(Reason, State) -> erlang:display({terminate, Reason, State}).
