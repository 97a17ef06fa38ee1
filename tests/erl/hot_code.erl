%% Code that is replaced while it runs: two versions, purging, funs and processes of versions that are gone, on_load, preparing and finishing
%% many modules at once.
%% needs: preloaded modules
-module(hot_code).
-export([main/0]).
-include("show.hrl").
-include("literals.hrl").

main() ->
    %% OTP's machine has it loaded already, and a process that purges.
    catch zlib:on_load(),
    start_purger(),
    {One, Two} = {compile(hot_a, one()), compile(hot_a, two())},
    replaced(One, Two),
    purged(One, Two),
    deleted(One),
    pending(One, Two),
    many(One, Two),
    on_load(),
    refused(One),
    queries(One).

one() ->
    "-export([version/0, adder/1, loop/0, constant/0, gone/0]).
     version() -> 1.
     adder(X) -> fun(Y) -> {1, X, Y} end.
     loop() -> receive {tell, P} -> P ! {told, 1, constant()}, loop(); next -> ?MODULE:loop(); stop -> one end.
     constant() -> {one, [1, 2, 3], <<\"long enough to be a binary that is counted and shared and not copied to a heap\">>, \"abc\"}.
     gone() -> gone.".

two() ->
    "-export([version/0, adder/1, loop/0, constant/0]).
     version() -> 2.
     adder(X) -> fun(Y) -> {2, X, Y} end.
     loop() -> receive {tell, P} -> P ! {told, 2, constant()}, loop(); next -> ?MODULE:loop(); stop -> two end.
     constant() -> {two, [4, 5, 6]}.".

start_purger() ->
    case whereis(erts_code_purger) of
        undefined ->
            spawn(erts_code_purger, start, []),
            wait_for(erts_code_purger);
        _ ->
            ok
    end.

wait_for(Name) ->
    case whereis(Name) of
        undefined -> erlang:yield(), wait_for(Name);
        _ -> ok
    end.

compile(Module, Text) ->
    {ok, Tokens, _} = erl_scan:string("-module(" ++ atom_to_list(Module) ++ "). " ++ Text),
    {ok, Module, Binary} = compile:noenv_forms(forms(Tokens, []), [binary, deterministic, {d, 'MODULE', Module}]),
    Binary.

%% `?MODULE` is two tokens.
forms([], []) -> [];
forms([{dot, _} = Dot | Rest], Form) ->
    {ok, Parsed} = erl_parse:parse_form(lists:reverse([Dot | Form])),
    [Parsed | forms(Rest, [])];
forms([{'?', _}, {var, Line, 'MODULE'} | Rest], Form) -> forms(Rest, [{atom, Line, hot_a} | Form]);
forms([Token | Rest], Form) -> forms(Rest, [Token | Form]).

ask(Pid) ->
    Pid ! {tell, self()},
    receive {told, Version, Constant} -> {Version, element(1, Constant)} end.

replaced(One, Two) ->
    ?SHOW(erlang:load_module(hot_a, One)),
    ?SHOW({hot_a:version(), erlang:module_loaded(hot_a), erlang:check_old_code(hot_a)}),
    {Fun, Made} = {hot_a:adder(x), fun hot_a:version/0},
    Pid = spawn(hot_a, loop, []),
    ?SHOW(ask(Pid)),
    ?SHOW(erlang:load_module(hot_a, Two)),
    ?SHOW({hot_a:version(), Made(), apply(hot_a, version, []), erlang:check_old_code(hot_a)}),
    ?SHOW({Fun(y), ask(Pid), erlang:check_process_code(Pid, hot_a)}),
    ?TRY(hot_a:gone()),
    %% There is an old version already.
    ?SHOW(erlang:load_module(hot_a, One)),
    Pid ! next,
    ?SHOW({ask(Pid), erlang:check_process_code(Pid, hot_a)}),
    ?SHOW(erts_code_purger:soft_purge(hot_a)),
    ?SHOW({ask(Pid), erlang:check_process_code(Pid, hot_a), erlang:check_old_code(hot_a)}),
    exit(Pid, kill).

%% What a process has of a version that is gone: its literals stay, its funs are no more, and who is in it is killed.
purged(One, Two) ->
    ?SHOW({erlang:load_module(hot_a, One), erts_code_purger:purge(hot_a)}),
    {Constant, Fun} = {hot_a:constant(), hot_a:adder(x)},
    {Pid, Monitor} = spawn_monitor(hot_a, loop, []),
    Self = self(),
    Holder = spawn(fun() ->
                           Kept = hot_a:constant(),
                           put(kept, Kept),
                           Self ! ready,
                           receive {tell, P} -> P ! {told, get(kept), Kept, receive {also, C} -> C end} end
                   end),
    receive ready -> ok end,
    Holder ! {also, Constant},
    ?SHOW(ask(Pid)),
    ?SHOW(erlang:load_module(hot_a, Two)),
    ?SHOW(erts_code_purger:soft_purge(hot_a)),
    ?SHOW(Fun(z)),
    ?SHOW(erts_code_purger:purge(hot_a)),
    receive {'DOWN', Monitor, process, Pid, Reason} -> ?SHOW(Reason) end,
    ?SHOW({is_process_alive(Pid), is_process_alive(Holder), erlang:check_old_code(hot_a)}),
    release(),
    %% Other literals where those were.
    [begin erlang:load_module(hot_a, Code), erts_code_purger:purge(hot_a), release() end || Code <- [One, Two, One, Two]],
    Holder ! {tell, self()},
    receive {told, A, B, C} -> ?SHOW({A, B =:= A, C =:= A, Constant =:= A}) end,
    ?SHOW([bad_fun(Fun, Call) || Call <- [fun() -> Fun(z) end, fun() -> apply(Fun, [z]) end, fun() -> lists:map(Fun, [z]) end]]),
    ?SHOW([erlang:fun_info(Fun, Item) || Item <- [module, name, arity, env]]),
    ?SHOW(erlang:load_module(hot_a, One)),
    %% The fun's module is there again, and is the same.
    ?SHOW(Fun(z)),
    ?SHOW(erts_code_purger:purge(hot_a)).

%% A fun's number is part of how it is printed, and differs with the compressed literals of its module.
bad_fun(Fun, Call) ->
    try Call() catch error:{badfun, Bad} -> {badfun, Bad =:= Fun} end.

deleted(One) ->
    ?SHOW(erlang:delete_module(hot_a)),
    ?TRY(hot_a:version()),
    ?SHOW({erlang:module_loaded(hot_a), lists:member(hot_a, erlang:loaded()), erlang:check_old_code(hot_a)}),
    ?SHOW(erlang:function_exported(hot_a, version, 0)),
    ?TRY(erlang:get_module_info(hot_a, module)),
    ?SHOW(erts_code_purger:purge(hot_a)),
    ?SHOW({lists:member(hot_a, erlang:loaded()), erlang:check_old_code(hot_a)}),
    ?SHOW(erts_code_purger:purge(hot_a)),
    ?SHOW({erlang:delete_module(hot_a), erlang:delete_module(hot_no_such_module)}),
    ?SHOW({erlang:load_module(hot_a, One), hot_a:version()}).

%% While a module is being purged, nobody gets into its old version by a fun: who calls one waits until it is gone or there to stay.
pending(One, Two) ->
    Gone = hot_a:adder(x),
    erlang:load_module(hot_a, Two),
    purge_step_by_step(Gone, true),
    erlang:load_module(hot_a, One),
    erts_code_purger:purge(hot_a),
    Stays = hot_a:adder(x),
    Pid = spawn(hot_a, loop, []),
    ?SHOW(ask(Pid)),
    erlang:load_module(hot_a, Two),
    purge_step_by_step(Stays, false),
    ?SHOW({Stays(z), ask(Pid)}),
    erlang:load_module(hot_a, One),
    exit(Pid, kill),
    ?SHOW(erts_code_purger:purge(hot_a)),
    ?SHOW({erlang:load_module(hot_a, One), erts_code_purger:purge(hot_a)}).

%% The purger stops before each step for those who test it.
purge_step_by_step(Fun, Hard) ->
    Ref = make_ref(),
    erts_code_purger ! {test_purge, hot_a, self(), Hard, Ref},
    receive {started, Ref} -> ok end,
    Self = self(),
    spawn(fun() -> Self ! {called, try Fun(y) catch error:{badfun, _} -> badfun end} end),
    ?SHOW(early()),
    erts_code_purger ! {continue, Ref},
    receive {continued, Ref} -> ok end,
    ?SHOW(early()),
    erts_code_purger ! {complete, Ref},
    receive {test_purge, Result, Ref} -> ?SHOW(Result) end,
    receive {called, Value} -> ?SHOW(Value) end.

early() ->
    receive {called, _} = Early -> Early after 20 -> waits end.

many(One, Two) ->
    Other = compile(hot_b, "-export([version/0]). version() -> b."),
    [A1, A2, B] = [erlang:prepare_loading(M, C) || {M, C} <- [{hot_a, One}, {hot_a, Two}, {hot_b, Other}]],
    ?SHOW([is_reference(A1), erlang:has_prepared_code_on_load(A1)]),
    ?SHOW(erlang:finish_loading([A1, B, A2])),
    ?SHOW(erlang:finish_loading([])),
    ?TRY(erlang:finish_loading([A1 | B])),
    ?TRY(erlang:finish_loading([A1, make_ref()])),
    ?SHOW({hot_a:version(), erlang:module_loaded(hot_b)}),
    ?SHOW(erlang:finish_loading([A2, B])),
    ?SHOW({hot_a:version(), hot_b:version()}),
    ?TRY(erlang:finish_loading([A2])),
    ?SHOW(erlang:finish_loading([A1])),
    ?SHOW(erts_code_purger:purge(hot_a)),
    ?SHOW({erlang:finish_loading([A1]), hot_a:version()}).

on_load() ->
    Good = compile(hot_c, "-export([value/0]). -on_load(init/0). init() -> put(was_here, yes), ok. value() -> 1."),
    Bad = compile(hot_c, "-export([value/0]). -on_load(init/0). init() -> {error, no}. value() -> 2."),
    Load = fun() -> exit({erlang:call_on_load_function(hot_c), get(was_here)}) end,
    ?SHOW(erlang:load_module(hot_c, Good)),
    ?SHOW(erlang:module_loaded(hot_c)),
    ?TRY(hot_c:value()),
    ?SHOW(exit_reason(Load)),
    ?SHOW({erts_code_purger:finish_after_on_load(hot_c, true), hot_c:value()}),
    ?SHOW(erlang:load_module(hot_c, Bad)),
    ?SHOW(exit_reason(Load)),
    ?SHOW({erts_code_purger:finish_after_on_load(hot_c, false), hot_c:value(), erlang:check_old_code(hot_c)}),
    ?TRY(erlang:call_on_load_function(hot_c)),
    ?TRY(erlang:finish_after_on_load(hot_c, true)),
    Prepared = erlang:prepare_loading(hot_c, Good),
    ?SHOW(erlang:has_prepared_code_on_load(Prepared)),
    ?TRY(erlang:finish_loading([Prepared, Prepared])).

exit_reason(Fun) ->
    {Pid, Monitor} = spawn_monitor(Fun),
    receive {'DOWN', Monitor, process, Pid, Reason} -> Reason end.

refused(One) ->
    ?SHOW(erlang:load_module(hot_d, One)),
    ?SHOW(erlang:load_module(hot_a, <<>>)),
    ?SHOW(erlang:load_module(hot_a, binary:part(One, 0, 200))),
    ?TRY(erlang:load_module("hot_a", One)),
    ?TRY(erlang:load_module(hot_a, [One])),
    ?TRY(erlang:has_prepared_code_on_load(make_ref())),
    ?TRY(erlang:check_old_code("hot_a")),
    ?TRY(erlang:delete_module([])),
    ?TRY(erts_internal:prepare_loading(hot_a, one)),
    ?SHOW(hot_a:version()).

queries(One) ->
    ?SHOW([erts_internal:beamfile_chunk(One, Chunk) =:= undefined || Chunk <- ["Attr", "CInf", "Code", "none"]]),
    ?SHOW(lists:sort(binary_to_term(erts_internal:beamfile_chunk(One, "Attr"))) =:= lists:sort(hot_a:module_info(attributes))),
    ?SHOW(erts_internal:beamfile_module_md5(One) =:= hot_a:module_info(md5)),
    ?SHOW({erts_internal:beamfile_chunk(<<"no file">>, "Attr"), erts_internal:beamfile_module_md5(<<>>)}),
    ?TRY(erts_internal:beamfile_chunk(One, "Attrs")),
    ?TRY(erts_internal:beamfile_chunk(one, "Attr")),
    ?SHOW([{Item, erlang:get_module_info(hot_a, Item)} || Item <- [module, native, nifs]]),
    ?SHOW(lists:sort(erlang:get_module_info(hot_a, exports))),
    ?SHOW(lists:sort([F || {F, _} <- erlang:get_module_info(hot_a, functions), F =/= module_info])).
