%% Test suites of OTP, run on OTP's own emulator and on Starling, and the difference.
%%
%% Runs on OTP's emulator (`scripts/conformance` starts it). A suite is compiled once; a node of each machine runs it (`conformance_case`). When
%% a node dies or hangs, the case that it was in has failed, and another node goes on behind it.
-module(conformance).
-export([main/1]).

-define(USAGE,
"usage: scripts/conformance [OPTION...] SUITE...

A SUITE is an application and the name of a suite, without _SUITE: kernel/gen_udp, stdlib/lists, emulator/bs_construct;
or an application, for all of its suites; or `network`, for those about sockets.

  --case NAME       this case alone
  --limit SECONDS   the longest that a case may take (60)
  --at-least N      fail if Starling passes less than N percent of what OTP passes
  --keep            take what OTP's emulator did from the last run, if it is there
  --starling FILE   the program to test; by default STARLING, or target/release/starling
  --erl FILE        the program to compare with (erl)
  --flags FLAGS     more flags for both
  --alone           the nodes are no distributed ones; cases that start other nodes then fail on either
").

-define(NETWORK, ["kernel/gen_tcp_api", "kernel/gen_tcp_echo", "kernel/gen_tcp_misc", "kernel/gen_udp", "kernel/inet",
                  "kernel/inet_res", "kernel/inet_sockopt"]).

%% A node that writes nothing for this much longer than a case may take is stuck.
-define(GRACE, 30000).

main([Source, Runner, Work | Args]) ->
    try
        Options = options(Args, #{source => Source, runner => Runner, work => Work, limit => 60000, only => "-",
                                  at_least => 0, keep => false, alone => false, erl => "erl", flags => "",
                                  starling => "target/release/starling erl", suites => []}),
        run(Options)
    of
        Status -> halt(Status)
    catch
        throw:Message ->
            io:format(standard_error, "conformance: ~ts~n", [Message]),
            halt(2)
    end.

options(["--case", Name | Rest], Options) -> options(Rest, Options#{only := Name});
options(["--limit", N | Rest], Options) -> options(Rest, Options#{limit := 1000 * number(N)});
options(["--at-least", N | Rest], Options) -> options(Rest, Options#{at_least := number(N)});
options(["--alone" | Rest], Options) -> options(Rest, Options#{alone := true});
options(["--keep" | Rest], Options) -> options(Rest, Options#{keep := true});
options(["--starling", Command | Rest], Options) -> options(Rest, Options#{starling := Command});
options(["--erl", Command | Rest], Options) -> options(Rest, Options#{erl := Command});
options(["--flags", Flags | Rest], Options) -> options(Rest, Options#{flags := Flags});
options(["--" ++ _ = Flag | _], _) -> throw([Flag, ": no such option, or nothing behind it\n", ?USAGE]);
options(["network" | Rest], Options) -> options(?NETWORK ++ Rest, Options);
options([Suite | Rest], #{suites := Suites} = Options) ->
    options(Rest, Options#{suites := Suites ++ found(Suite, Options)});
options([], #{suites := []}) -> throw(?USAGE);
options([], Options) -> Options.

number(Text) ->
    try list_to_integer(Text)
    catch error:badarg -> throw([Text, ": not a number"])
    end.

%% The suites that a word of the command line means: pairs of application and module.
found(Word, #{source := Source}) ->
    {App, Pattern} = case string:split(Word, "/") of
                         [A, Name] -> {A, Name ++ "_SUITE.erl"};
                         [A] -> {A, "*_SUITE.erl"}
                     end,
    case lists:sort(filelib:wildcard(Pattern, directory(Source, App))) of
        [] -> throw([Word, ": no such suite in ", directory(Source, App)]);
        Files -> [{App, filename:basename(File, ".erl")} || File <- Files]
    end.

directory(Source, "emulator") -> filename:join([Source, "erts", "emulator", "test"]);
directory(Source, App) -> filename:join([Source, "lib", App, "test"]).

run(#{suites := Suites, at_least := AtLeast} = Options) ->
    io:format("~-28s ~6s ~8s ~8s ~9s ~6s~n", ["suite", "cases", "OTP", "skipped", "Starling", "lost"]),
    Results = [suite(Suite, Options) || Suite <- Suites],
    {Passed, Ours} = lists:foldl(fun({P, O}, {P0, O0}) -> {P0 + P, O0 + O} end, {0, 0}, Results),
    Percent = case Passed of 0 -> 0.0; _ -> 100 * Ours / Passed end,
    io:format("~nOf ~b cases that OTP's emulator passes, Starling passes ~b: ~.1f %~n", [Passed, Ours, Percent]),
    case Passed > 0 andalso Percent >= AtLeast of
        true -> 0;
        false -> 1
    end.

suite({App, Suite} = Which, Options) ->
    compile(Which, Options),
    [Otp, Starling] = [outcomes(Machine, Which, Options) || Machine <- [erl, starling]],
    Passed = [Case || {Case, ok} <- Otp],
    Ours = [Case || Case <- Passed, lists:keyfind(Case, 1, Starling) =:= {Case, ok}],
    Lost = Passed -- Ours,
    Skipped = length([Case || {Case, {skip, _}} <- Otp]),
    io:format("~-28ts ~6b ~8b ~8b ~9b ~6b~n",
              [[App, "/", string:replace(Suite, "_SUITE", "")], length(Otp), length(Passed), Skipped,
               length([Case || {Case, ok} <- Starling]), length(Lost)]),
    [io:format("  ~ts: ~ts~n", [Case, reason(lists:keyfind(Case, 1, Starling))]) || Case <- Lost],
    [io:format("  ~ts: only on Starling~n", [Case])
     || {Case, ok} <- Starling, lists:keyfind(Case, 1, Otp) =/= {Case, ok}],
    {length(Passed), length(Ours)}.

reason(false) -> "was not run";
reason({_, {skip, Why}}) -> ["skipped: ", Why];
reason({_, {failed, Why}}) -> Why.

%% Compiles the suite and what it names of the modules beside it. What does not compile among the latter is missed, if at all, when a case
%% calls it.
compile({App, Suite}, #{source := Source} = Options) ->
    Directory = directory(Source, App),
    Ebin = path([ebin, App], Options),
    ok = filelib:ensure_path(Ebin),
    Flags = [{i, Directory}, {i, filename:join(Source, "lib")}, {outdir, Ebin}, debug_info, nowarn_export_all],
    All = [filename:rootname(File) || File <- filelib:wildcard("*.erl", Directory)] -- [Suite],
    [compile:file(filename:join(Directory, Module), Flags)
     || Module <- named([Suite], All, Directory),
        not is_newer(filename:join(Ebin, Module ++ ".beam"), filename:join(Directory, Module ++ ".erl"))],
    case compile:file(filename:join(Directory, Suite), [return_errors | Flags]) of
        {error, Errors, _} -> throw(io_lib:format("~ts does not compile: ~tp", [Suite, Errors]));
        _ -> ok
    end.

%% Those of the modules `Others` that are named in the text of the first one's, or in that of those.
named([], _, _) -> [];
named([Module | Rest], Others, Directory) ->
    {ok, Text} = file:read_file(filename:join(Directory, Module ++ ".erl")),
    {Named, Unnamed} = lists:partition(fun(Other) -> binary:match(Text, list_to_binary(Other)) =/= nomatch end, Others),
    Named ++ named(Named ++ Rest, Unnamed, Directory).

is_newer(Target, File) ->
    filelib:last_modified(Target) > filelib:last_modified(File).

path(Parts, #{work := Work}) -> filename:join([Work | Parts]).

%% What became of each case of a suite on one machine: pairs, in the order in which they were run.
outcomes(Machine, {App, Suite}, #{keep := Keep, only := Only} = Options) ->
    %% One case alone does not take the place of all.
    Directory = path([run, Machine, App, Suite] ++ [Only || Only =/= "-"], Options),
    Results = filename:join(Directory, "results"),
    case Keep andalso Machine =:= erl andalso lists:last([none | terms(Results)]) =:= finished of
        true -> ok;
        false ->
            _ = file:del_dir_r(Directory),
            ok = filelib:ensure_path(filename:join(Directory, "priv")),
            Data = filename:join(Directory, Suite ++ "_data"),
            From = filename:join(directory(maps:get(source, Options), App), Suite ++ "_data"),
            [data(From, Data) || filelib:is_dir(From)],
            nodes_of(Machine, App, Suite, Directory, Data, Results, Options)
    end,
    collect(terms(Results), none).

%% A suite's data, with what its make file makes: programs that the suite talks to, libraries that it loads. One that cannot be made is
%% missed by the cases that want it.
data(From, To) ->
    os:cmd(io_lib:format("cp -r '~ts' '~ts'", [From, To])),
    case file:read_file(filename:join(To, "Makefile.src")) of
        {ok, Text} ->
            Include = filename:join([code:root_dir(), "usr", "include"]),
            Values = [{"CC", "cc"}, {"CFLAGS", "-O2 -fPIC"}, {"LD", "cc"}, {"CROSSLDFLAGS", ""}, {"LIBS", ""}, {"DEFS", ""},
                      {"exe", ""}, {"obj", ".o"}, {"dll", ".so"}, {"DS", "/"}, {"erl_include", Include},
                      {"SHLIB_RULES", [".c.so:\n\tcc -O2 -fPIC -shared -I", Include, " -o $@ $<\n.SUFFIXES: .c .so\n"]}],
            Made = lists:foldl(fun({Name, Value}, T) -> string:replace(T, ["@", Name, "@"], Value, all) end,
                               Text, Values),
            ok = file:write_file(filename:join(To, "Makefile"), unicode:characters_to_binary(Made)),
            os:cmd(io_lib:format("cd '~ts' && make -k >make.log 2>&1", [To]));
        _ -> ok
    end.

collect([{start, Case}, {dead, Case} | Rest], _) ->
    [{Case, {failed, "the node died or hung"}} | collect(Rest, none)];
collect([{done, Case, Outcome, _} | Rest], _) -> [{Case, Outcome} | collect(Rest, none)];
collect([{unusable, Why} | Rest], _) -> [{"(the suite)", {failed, io_lib:format("~0tp", [Why])}} | collect(Rest, none)];
collect([_ | Rest], _) -> collect(Rest, none);
collect([], _) -> [].

terms(File) ->
    case file:consult(File) of
        {ok, Terms} -> Terms;
        %% The last line is not whole.
        {error, _} ->
            case file:read_file(File) of
                {ok, Bytes} ->
                    Lines = lists:droplast(binary:split(Bytes, <<"\n">>, [global])),
                    lists:append([term(Line) || Line <- Lines]);
                _ -> []
            end
    end.

term(Line) ->
    {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Line)),
    case erl_parse:parse_term(Tokens) of
        {ok, Term} -> [Term];
        _ -> []
    end.

%% Runs nodes until one has come to the end of the suite.
nodes_of(Machine, App, Suite, Directory, Data, Results, Options) ->
    Before = terms(Results),
    node_of(Machine, App, Suite, Directory, Data, Results, Options),
    After = terms(Results),
    case lists:reverse(After) of
        [finished | _] -> ok;
        [{start, Case} | _] ->
            ok = file:write_file(Results, io_lib:format("~0tp.~n", [{dead, Case}]), [append]),
            nodes_of(Machine, App, Suite, Directory, Data, Results, Options);
        _ when length(After) > length(Before) ->
            nodes_of(Machine, App, Suite, Directory, Data, Results, Options);
        _ ->
            Log = filename:join(Directory, "log"),
            Line = io_lib:format("~0tp.~n", [{unusable, "the node ended without running a case; see " ++ Log}]),
            ok = file:write_file(Results, Line, [append])
    end.

node_of(Machine, App, Suite, Directory, Data, Results, #{limit := Limit, only := Only, flags := Flags} = Options) ->
    Program = maps:get(Machine, Options),
    Names = ["-sname conformance_" ++ atom_to_list(Machine) || not maps:get(alone, Options)],
    Words = [Program, Flags, Names, "-noshell -noinput -pa", maps:get(runner, Options), path([ebin, App], Options),
             "-s conformance_case main -extra", Suite, Data, filename:join(Directory, "priv"), Results,
             integer_to_list(Limit), Only],
    Line = ["exec ", lists:join(" ", Words), " >>log 2>&1"],
    Port = open_port({spawn_executable, "/bin/sh"},
                     [{args, ["-c", lists:flatten(Line)]}, {cd, Directory}, exit_status, in,
                      {env, [{"CONFORMANCE_PROGRAM", Program}, {"ERL_CRASH_DUMP_SECONDS", "0"},
                             {"ERL_FLAGS", false}, {"ERL_AFLAGS", false}, {"ERL_LIBS", false}]}]),
    {os_pid, Pid} = erlang:port_info(Port, os_pid),
    watch(Port, Pid, Results, Limit + ?GRACE, filelib:file_size(Results), now_ms()).

now_ms() -> erlang:monotonic_time(millisecond).

%% Waits for a node's end, or ends it when it has written nothing for too long.
watch(Port, Pid, Results, Patience, Size, Since) ->
    receive
        {Port, {exit_status, _}} -> ok
    after 200 ->
            case filelib:file_size(Results) of
                Size ->
                    case now_ms() - Since > Patience of
                        true ->
                            os:cmd("kill -9 " ++ integer_to_list(Pid)),
                            receive {Port, {exit_status, _}} -> ok after 5000 -> ok end;
                        false -> watch(Port, Pid, Results, Patience, Size, Since)
                    end;
                More -> watch(Port, Pid, Results, Patience, More, now_ms())
            end
    end.
