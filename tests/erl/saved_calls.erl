%% process_flag(save_calls, N) and process_info(Pid, last_calls): what a process called, sent and received last.
%% needs: preloaded modules
-module(saved_calls).
-export([main/0, f/1, g/1, sleeper/0]).
-include("show.hrl").

main() ->
    not_saved(),
    what_is_saved(),
    how_much_is_kept(),
    changed_while_saving(),
    of_another(),
    later_code(),
    traced_as_well(),
    refused().

not_saved() ->
    ?SHOW(process_info(self(), last_calls)),
    ?SHOW(process_flag(save_calls, 0)).

what_is_saved() ->
    ?SHOW(saved(fun() -> ?MODULE:f(3) end)),
    ?SHOW(saved(fun() -> local(2) end)),
    ?SHOW(saved(fun() -> self() ! x, receive x -> ok end end)),
    ?SHOW(saved(fun() -> erlang:send(self(), x), receive x -> ok after 1000 -> ok end end)),
    ?SHOW(saved(fun() -> receive after 1 -> ok end end)),
    ?SHOW(saved(fun() -> receive never -> ok after 0 -> ok end end)),
    ?SHOW(saved(fun() -> F = id(fun ?MODULE:f/1), F(1) end)),
    ?SHOW(saved(fun() -> F = id(fun local/1), F(1) end)),
    ?SHOW(saved(fun() -> apply(id(?MODULE), id(f), [1]) end)),
    ?SHOW(saved(fun() -> apply(id(?MODULE), f, id([1])) end)),
    ?SHOW(saved(fun() -> M = id(?MODULE), M:f(1) end)),
    ?SHOW(saved(fun() -> put(a, 1), id(get(a)), erase(a) end)),
    ?SHOW(saved(fun() -> id(length(id([1]))), id(hd(id([1]))) end)),
    ?SHOW(saved(fun() -> id(atom_to_list(id(a))), id(list_to_tuple(id([]))), ok end)),
    ?SHOW(saved(fun() -> erlang:yield(), ok end)),
    ?SHOW(hd(saved(fun() -> catch ?MODULE:no_such(1) end))),
    ?SHOW(saved(fun() -> catch g(1) end)),
    ?SHOW(saved(fun() -> catch atom_to_list(id(1)) end)).

how_much_is_kept() ->
    ?SHOW(saved(3, fun() -> ?MODULE:f(9), put(a, 1), id(get(a)), erase(a) end)),
    ?SHOW(saved(1, fun() -> put(a, 1), get(a) end)),
    ?SHOW(saved(10000, fun() -> ?MODULE:f(4) end)).

%% A new length forgets what was kept, 0 ends it.
changed_while_saving() ->
    ?SHOW(process_flag(save_calls, 5)),
    id(put(a, 1)),
    ?SHOW(process_flag(save_calls, 6)),
    ?SHOW(last_but(1)),
    ?SHOW(process_flag(save_calls, 0)),
    ?SHOW(process_info(self(), last_calls)).

of_another() ->
    Pid = spawn(?MODULE, sleeper, []),
    wait(Pid),
    ?SHOW(process_flag(Pid, save_calls, 20)),
    call(Pid),
    ?SHOW(calls_of(Pid)),
    ?SHOW(process_flag(Pid, save_calls, 0)),
    call(Pid),
    ?SHOW(process_info(Pid, last_calls)),
    Pid ! stop.

%% A module that is loaded while calls are saved.
later_code() ->
    Forms = [{attribute, 1, module, later}, {attribute, 1, export, [{one, 0}, {two, 0}]},
             {function, 1, one, 0, [{clause, 1, [], [], [{call, 1, {remote, 1, {atom, 1, later}, {atom, 1, two}}, []}]}]},
             {function, 1, two, 0, [{clause, 1, [], [], [{atom, 1, done}]}]}],
    {ok, later, Code} = compile:forms(Forms),
    ?SHOW(saved(fun() ->
                        erlang:load_module(later, Code),
                        later:one()
                end) -- [{erlang, load_module, 2}, {erts_internal, prepare_loading, 2}, {erlang, prepare_loading, 2},
                         {erlang, finish_loading, 1}, {erlang, bif_return_trap, 2}]),
    ?SHOW(later:one()).

%% Calls are traced and saved at once, and each goes on without the other.
traced_as_well() ->
    Self = self(),
    Pid = spawn(?MODULE, sleeper, []),
    wait(Pid),
    erlang:trace(Pid, true, [call, {tracer, Self}]),
    ?SHOW(erlang:trace_pattern({?MODULE, f, 1}, true, [local])),
    process_flag(Pid, save_calls, 20),
    call(Pid),
    ?SHOW(calls_of(Pid)),
    ?SHOW(traced(Pid)),
    process_flag(Pid, save_calls, 0),
    call(Pid),
    ?SHOW(traced(Pid)),
    process_flag(Pid, save_calls, 20),
    ?SHOW(erlang:trace_pattern({?MODULE, f, 1}, false, [local])),
    ?SHOW(erlang:trace_info({?MODULE, f, 1}, all)),
    call(Pid),
    ?SHOW(calls_of(Pid)),
    ?SHOW(traced(Pid)),
    %% It ends while it saves calls.
    Pid ! stop.

refused() ->
    ?TRY(process_flag(save_calls, -1)),
    ?TRY(process_flag(save_calls, 10001)),
    ?TRY(process_flag(save_calls, a)),
    ?TRY(process_flag(self(), save_calls, -1)),
    ?TRY(process_flag(self(), trap_exit, true)).

saved(Body) -> saved(100, Body).

%% What is saved of a body that a process of its own runs.
saved(Limit, Body) ->
    Self = self(),
    Go = make_ref(),
    Pid = spawn(fun() ->
                        process_flag(save_calls, Limit),
                        Body(),
                        {last_calls, Calls} = process_info(self(), last_calls),
                        process_flag(save_calls, 0),
                        Self ! {Go, Calls}
                end),
    Monitor = erlang:monitor(process, Pid),
    receive
        {Go, Calls} -> erlang:demonitor(Monitor, [flush]), own(Calls);
        {'DOWN', Monitor, _, _, Reason} -> {ended, Reason}
    end.

%% Of what asks: left out.
own(Calls) -> [Call || Call <- Calls, Call =/= {erlang, process_info, 2}].

last_but(_) ->
    id(put(a, 2)),
    {last_calls, Calls} = process_info(self(), last_calls),
    [Call || Call <- own(Calls), element(1, Call) =/= ?MODULE, Call =/= {erlang, display, 1}].

calls_of(Pid) ->
    {last_calls, Calls} = process_info(Pid, last_calls),
    Calls.

call(Pid) ->
    Pid ! {call, self()},
    receive {called, Pid} -> ok end,
    wait(Pid).

%% Until it waits for its next message.
wait(Pid) ->
    case process_info(Pid, status) of
        {status, waiting} -> ok;
        _ -> erlang:yield(), wait(Pid)
    end.

traced(Pid) ->
    Ref = erlang:trace_delivered(Pid),
    receive {trace_delivered, Pid, Ref} -> all_traced(Pid) end.

all_traced(Pid) ->
    receive {trace, Pid, What, Call} -> [{What, Call} | all_traced(Pid)] after 0 -> [] end.

sleeper() ->
    receive
        {call, From} ->
            ?MODULE:f(1),
            From ! {called, self()},
            sleeper();
        stop -> ok
    end.

f(0) -> ok;
f(N) -> ?MODULE:f(N - 1).

g(1) -> error(id(wrong)).

local(0) -> ok;
local(N) -> local(N - 1).
