%% What a booted OTP does in its first minutes, from code loading to supervisors. Prints the same on every release and machine:
%% nothing here depends on a version, a pid or the time.
-module(tour).
-behaviour(supervisor).
-export([main/0, init/1, start_worker/0, worker/1, log/2]).

main() ->
    ok = io:setopts(standard_io, [{encoding, unicode}]),
    lists:foreach(fun step/1, [boot, code, compiling, purging, files, ports, processes, supervision, tables, text, time, logging]),
    io:format("done~n").

step(Name) ->
    io:format("~w: ~tp~n", [Name, run(Name)]).

run(boot) ->
    Applications = lists:sort([A || {A, _, _} <- application:which_applications()]),
    Registered = [N || N <- [init, erl_prim_loader, logger, application_controller, kernel_sup, code_server, file_server_2, rex, user,
                             standard_error, erl_signal_server, global_name_server], whereis(N) =:= undefined],
    {Applications, Registered, init:get_status(), code:get_mode(), node(), is_list(code:get_path())};
run(code) ->
    {code:ensure_loaded(no_such_module), code:which(?MODULE) =/= non_existing, code:is_loaded(erlang), code:is_sticky(lists),
     erlang:module_loaded(lists), lists:keyfind(exports, 1, ?MODULE:module_info()) =/= false,
     [proplists:get_value(behaviour, ?MODULE:module_info(attributes))],
     is_binary(?MODULE:module_info(md5)),
     failure(fun() -> no_such_module:f(1) end), failure(fun() -> lists:no_such_function() end)};
run(compiling) ->
    Forms = fun(Value) ->
        {ok, Tokens, _} = erl_scan:string("-module(fresh). -export([value/0, loop/0]). value() -> " ++ Value ++ ". "
                                          "loop() -> receive {From, ask} -> From ! value(), loop(); {From, move} -> From ! moved, fresh:loop() end. "),
        [begin {ok, F} = erl_parse:parse_form(T), F end || T <- split(Tokens, [], [])]
    end,
    Load = fun(Value) ->
        {ok, fresh, Binary} = compile:forms(Forms(Value), [return_errors]),
        {module, fresh} = code:load_binary(fresh, "fresh.beam", Binary)
    end,
    Ask = fun(Pid, What) -> Pid ! {self(), What}, receive Answer -> Answer end end,
    Load("one"),
    Pid = spawn(fun() -> fresh:loop() end),
    First = Ask(Pid, ask),
    Load("two"),
    Answers = [First, Ask(Pid, ask), Ask(Pid, move), Ask(Pid, ask), fresh:value()],
    put(pid, Pid),
    {Answers, compile:forms(Forms("unbound_function()"), [return_errors, return_warnings]), erl_eval:expr(hd(erl("lists:sum([1,2,3])")), [])};
run(purging) ->
    Pid = erase(pid),
    Before = [erlang:check_old_code(fresh), erlang:check_process_code(Pid, fresh), code:soft_purge(fresh)],
    Monitor = monitor(process, Pid),
    Deleted = [code:delete(fresh), erlang:module_loaded(fresh), is_process_alive(Pid), erlang:check_process_code(Pid, fresh)],
    Purged = code:purge(fresh),
    End = receive {'DOWN', Monitor, process, Pid, Reason} -> Reason end,
    {Before, Deleted, Purged, End, failure(fun() -> fresh:value() end)};
run(files) ->
    Directory = filename:join(filename:basedir(user_cache, "starling-tour"), os:getpid()),
    Name = filename:join(Directory, "größe.txt"),
    ok = filelib:ensure_dir(Name),
    Written = [file:write_file(Name, "eins\nzwei\n"), file:write_file(Name, "drei\n", [append]), file:read_file(Name)],
    {ok, File} = file:open(Name, [read, write, {encoding, utf8}]),
    Lines = [io:get_line(File, ''), file:position(File, eof), io:format(File, "~ts~n", ["vier€"]), file:position(File, bof), io:get_line(File, '')],
    ok = file:close(File),
    Terms = filename:join(Directory, "terms"),
    ok = file:write_file(Terms, "{a,1}.\n{b,[2]}.\n"),
    {ok, dets} = dets:open_file(dets, [{file, filename:join(Directory, "dets")}]),
    ok = dets:insert(dets, [{N, N * N} || N <- lists:seq(1, 100)]),
    Dets = [dets:lookup(dets, 12), dets:info(dets, size), dets:close(dets)],
    Consulted = file:consult(Terms),
    Names = lists:sort(filelib:wildcard("*", Directory)),
    Errors = [file:read_file(filename:join(Directory, "none")), file:make_dir(Directory), file:del_dir(Directory), file:rename(Name, Directory)],
    ok = file:del_dir_r(Directory),
    {Written, Lines, Consulted, Dets, Names, Errors, filelib:is_dir(Directory)};
run(ports) ->
    {is_list(erlang:ports()), failure(fun() -> open_port({spawn_driver, "no_such_driver"}, []) end), is_list(os:getenv()), os:getenv("NO_SUCH_VARIABLE", none),
     os:putenv("TOUR", "set"), os:getenv("TOUR"), io:columns() =:= {error, enotsup}};
run(processes) ->
    Parent = self(),
    {Pid, Monitor} = spawn_monitor(fun() -> receive {Parent, Reason} -> exit(Reason) end end),
    Pid ! {Parent, {shutdown, 'ünïcode'}},
    Down = receive {'DOWN', Monitor, process, Pid, R} -> R end,
    Results = [begin {P, M} = spawn_monitor(fun() -> exit({result, N * N}) end), receive {'DOWN', M, process, P, {result, V}} -> V end end || N <- lists:seq(1, 20)],
    {Down, lists:sum(Results), proc_lib:start(?MODULE, worker, [self()]), failure(fun() -> gen_server:call(no_such_server, hello) end)};
run(supervision) ->
    process_flag(trap_exit, true),
    {ok, Supervisor} = supervisor:start_link(?MODULE, []),
    [{child, First, worker, _}] = supervisor:which_children(Supervisor),
    logger:set_primary_config(level, none),
    exit(First, kill),
    timer:sleep(50),
    [{child, Second, worker, _}] = supervisor:which_children(Supervisor),
    logger:set_primary_config(level, notice),
    Counts = lists:sort(supervisor:count_children(Supervisor)),
    exit(Supervisor, shutdown),
    End = receive {'EXIT', Supervisor, Reason} -> Reason end,
    {First =/= Second, Counts, End, is_process_alive(Second)};
run(tables) ->
    Table = ets:new(tour, [ordered_set, public]),
    true = ets:insert(Table, [{N, N rem 3} || N <- lists:seq(1, 30)]),
    Specification = [{{'$1', '$2'}, [{'=:=', '$2', 1}], [true]}],
    {ets:select_count(Table, Specification), ets:select(Table, [{{'$1', 0}, [{'>', '$1', 20}], ['$1']}]), ets:first(Table), ets:delete(Table)};
run(text) ->
    {re:run("hello wörld", "(w\\S+)", [unicode, {capture, all, list}]), re:replace("aXbXc", "X", "-", [global, {return, list}]),
     string:uppercase("straße"), string:length("e\x{301}a"), unicode:characters_to_nfc_list("e\x{301}"), zlib:gunzip(zlib:gzip("packed")),
     base64:encode("tour"), io_lib:format("~p ~s ~10.3f ~ts", [{a, "b"}, "c", 3.14159, [8364]]), binary:split(<<"a,b,c">>, <<",">>, [global]),
     binary_to_term(term_to_binary({a, 1.5, "x", #{k => [v]}})), erlang:crc32("tour")};
run(time) ->
    Start = erlang:monotonic_time(millisecond),
    {ok, _} = timer:send_after(20, tick),
    receive tick -> ok end,
    {ok, Interval} = timer:send_interval(5, tock),
    [receive tock -> ok end || _ <- [1, 2, 3]],
    {ok, cancel} = timer:cancel(Interval),
    Elapsed = erlang:monotonic_time(millisecond) - Start,
    {Elapsed >= 35, Elapsed < 5000, calendar:gregorian_seconds_to_datetime(63000000000), calendar:rfc3339_to_system_time("2026-11-22T16:00:00Z")};
run(logging) ->
    ok = logger:add_handler(tour, ?MODULE, #{config => self(), level => error}),
    Handler = logger:get_handler_config(tour),
    ok = logger:remove_handler(tour),
    {element(1, Handler), logger:get_primary_config(), logger:compare_levels(error, notice)}.

%% The forms of a text, cut at the dots.
split([], [], Forms) -> lists:reverse(Forms);
split([{dot, _} = Dot | Rest], Form, Forms) -> split(Rest, [], [lists:reverse([Dot | Form]) | Forms]);
split([Token | Rest], Form, Forms) -> split(Rest, [Token | Form], Forms).

erl(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text ++ "."),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    Expressions.

%% Without the stack trace, whose lines are those of the release.
failure(Fun) -> try Fun() catch Class:Reason -> {Class, Reason} end.

log(_, _) -> ok.

worker(Parent) -> proc_lib:init_ack(Parent, {ok, worker}).

init([]) ->
    {ok, {#{intensity => 3, period => 5}, [#{id => child, start => {?MODULE, start_worker, []}}]}}.

start_worker() -> {ok, spawn_link(fun() -> receive stop -> ok end end)}.
