%% Test suites of OTP, run on OTP's own emulator and on Starling, and the difference.
%%
%% Runs on OTP's emulator (`scripts/conformance` starts it). A suite is compiled once; a node of each machine runs it (`conformance_case`). When
%% a node dies or hangs, the case that it was in has failed, and another node goes on behind it.
-module(conformance).
-export([main/1]).

-define(USAGE,
"usage: scripts/conformance [OPTION...] SUITE...

A SUITE is an application and the name of a suite, without _SUITE: kernel/gen_udp, stdlib/lists, emulator/bs_construct;
or the name of a set (conformance_sets.erl): emulator, stdlib, quick (a part of the two, in minutes), network;
or another application, for all of its suites.

  --case NAME       this case alone
  --limit SECONDS   the longest that a case may take (60)
  --at-least N      fail if Starling passes less than N percent of what OTP passes
  --keep            take what OTP's emulator did from the last run, if that was the same emulator and the same runner
  --starling FILE   the program to test; by default STARLING, or target/release/starling
  --erl FILE        the program to compare with (erl)
  --flags FLAGS     more flags for both
  --gcstress        Starling collects at every allocation; its cases may take five times as long as the limit says
  --alone           the nodes are no distributed ones; cases that start other nodes then fail on either
").

%% Libraries that suites are compiled with and call, and by which module we see whether they are installed; Debian's erlang-base lacks them.
-define(LIBRARIES, [{"eunit", eunit}, {"syntax_tools", merl}]).

%% A node that writes nothing for this much longer than a case may take is stuck.
-define(GRACE, 30000).

main([Source0, Runner0, Work0 | Args]) ->
    [Source, Runner, Work] = [filename:absname(Directory) || Directory <- [Source0, Runner0, Work0]],
    try
        Options = options(Args, #{source => Source, runner => Runner, work => Work, limit => 60000, only => "-",
                                  at_least => 0, keep => false, alone => false, gcstress => false, erl => "erl", flags => "",
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
options(["--gcstress" | Rest], Options) -> options(Rest, Options#{gcstress := true});
options(["--starling", Command | Rest], Options) -> options(Rest, Options#{starling := Command});
options(["--erl", Command | Rest], Options) -> options(Rest, Options#{erl := Command});
options(["--flags", Flags | Rest], Options) -> options(Rest, Options#{flags := Flags});
options(["--" ++ _ = Flag | _], _) -> throw([Flag, ": no such option, or nothing behind it\n", ?USAGE]);
options([Word | Rest], #{suites := Suites} = Options) ->
    case conformance_sets:suites(Word) of
        none -> options(Rest, Options#{suites := Suites ++ found(Word, Options)});
        Words -> options(Words ++ Rest, Options)
    end;
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

run(#{suites := Suites, at_least := AtLeast} = Options0) ->
    Options = Options0#{made_by => made_by(Options0)},
    [library(App, Probe, Options) || {App, Probe} <- ?LIBRARIES],
    row("suite", ["cases", "OTP", "skipped", "Starling", "lost", "s OTP", "s here"]),
    Results = [suite(Suite, Options) || Suite <- Suites],
    Sums = [lists:sum(Column) || Column <- columns([Counts || {_, Counts, _, _} <- Results])],
    row("all", Sums),
    listed("OTP's emulator passes and Starling does not", [{Name, Lost} || {Name, _, Lost, _} <- Results]),
    listed("Starling passes and OTP's emulator does not", [{Name, Won} || {Name, _, _, Won} <- Results]),
    [_, Passed, _, _, Lost | _] = Sums,
    Percent = case Passed of 0 -> 0.0; _ -> 100 * (Passed - Lost) / Passed end,
    io:format("~nOf ~b cases that OTP's emulator passes, Starling passes ~b: ~.2f %~n", [Passed, Passed - Lost, Percent]),
    case Passed > 0 andalso Percent >= AtLeast of
        true -> 0;
        false -> 1
    end.

%% A row of the table: cases, those passed on OTP's emulator, skipped there, passed on Starling, lost; seconds that cases took on either.
row(Name, Columns) ->
    io:format("~-28ts ~6ts ~8ts ~8ts ~9ts ~6ts ~6ts ~6ts~n", [Name | [text(Column) || Column <- Columns]]).

text(Number) when is_integer(Number) -> integer_to_list(Number);
text(Text) -> Text.

columns([[] | _]) -> [];
columns(Rows) -> [[hd(Row) || Row <- Rows] | columns([tl(Row) || Row <- Rows])].

listed(Title, Suites) ->
    case lists:append([Cases || {_, Cases} <- Suites]) of
        [] -> ok;
        All ->
            io:format("~n~ts (~b):~n", [Title, length(All)]),
            [io:format("  ~ts ~ts~n", [Name, Case]) || {Name, Cases} <- Suites, Case <- Cases]
    end.

%% Runs a suite on both machines and shows its row: its name, the row, the cases that Starling loses, those that only Starling passes.
suite({App, Suite} = Which, Options) ->
    compile(Which, Options),
    [Otp, Starling] = [outcomes(Machine, Which, Options) || Machine <- [erl, starling]],
    Passed = [Case || {Case, ok, _} <- Otp],
    Ours = [Case || {Case, ok, _} <- Starling],
    Lost = Passed -- Ours,
    Skipped = length([Case || {Case, {skip, _}, _} <- Otp]),
    Name = lists:flatten([App, "/", string:replace(Suite, "_SUITE", "")]),
    Counts = [length(Otp), length(Passed), Skipped, length(Ours), length(Lost), seconds(Otp), seconds(Starling)],
    row(Name, Counts),
    {Name, Counts, [[Case, ": ", reason(lists:keyfind(Case, 1, Starling))] || Case <- Lost], Ours -- Passed}.

seconds(Outcomes) -> lists:sum([Time || {_, _, Time} <- Outcomes]) div 1000.

reason(false) -> "was not run";
reason({_, {skip, Why}, _}) -> ["skipped: ", Why];
reason({_, {failed, Why}, _}) -> Why.

%% What decides what OTP's emulator does with a suite: its version, and all that runs the suite.
made_by(#{erl := Erl, flags := Flags, limit := Limit, alone := Alone, only := Only}) ->
    Runner = [Module:module_info(md5) || Module <- [conformance_case, conformance_io, ct, ct_event, test_server]],
    Version = os:cmd(Erl ++ " -noinput -eval 'io:format(\"~ts\", [erlang:system_info(version)]), halt().'"),
    {made_by, Version, erlang:phash2({Runner, Flags, Limit, Alone, Only})}.

%% Compiles a library from OTP's source where it is not installed.
library(App, Probe, #{source := Source} = Options) ->
    Ebin = path([ebin, App], Options),
    case code:which(Probe) =:= non_existing andalso filelib:wildcard(filename:join(Ebin, "*.beam")) of
        [] ->
            ok = filelib:ensure_path(Ebin),
            Directory = filename:join([Source, "lib", App, "src"]),
            Files = filelib:wildcard(filename:join(Directory, "*.erl")),
            %% Parse transforms before those that are written with them.
            {First, Then} = lists:partition(fun(File) -> lists:suffix("_autoexport.erl", File) end, Files),
            true = code:add_pathz(Ebin),
            Include = filename:join([Source, "lib", App, "include"]),
            [compile:file(File, [{i, Directory}, {i, Include}, {i, filename:join(Source, "lib")}, {outdir, Ebin},
                                 {d, 'MERL_NO_TRANSFORM'}])
             || File <- First ++ Then],
            ok;
        false -> ok;
        _ ->
            true = code:add_pathz(Ebin),
            ok
    end.

%% Compiles the suite and what it names of the modules beside it. What does not compile among the latter is missed, if at all, when a case
%% calls it.
compile({App, Suite}, #{source := Source} = Options) ->
    Directory = directory(Source, App),
    Ebin = path([ebin, App], Options),
    ok = filelib:ensure_path(Ebin),
    Flags = [{i, filename:join(Source, "lib")}, {outdir, Ebin}, debug_info, nowarn_export_all],
    %% Stack traces name the files as OTP's own make does.
    ok = file:set_cwd(Directory),
    All = [filename:rootname(File) || File <- filelib:wildcard("*.erl", Directory)] -- [Suite],
    [compile:file(Module, Flags)
     || Module <- named([Suite], All, Directory),
        not is_newer(filename:join(Ebin, Module ++ ".beam"), filename:join(Directory, Module ++ ".erl"))],
    case compile:file(Suite, [return_errors | Flags]) of
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

%% What became of each case of a suite on one machine, and after how many milliseconds, in the order in which they were run.
outcomes(Machine, {App, Suite}, #{keep := Keep, only := Only, made_by := MadeBy} = Options) ->
    %% One case alone does not take the place of all.
    Directory = path([run, Machine, App, Suite] ++ [Only || Only =/= "-"], Options),
    Results = filename:join(Directory, "results"),
    case Keep andalso Machine =:= erl andalso is_kept(MadeBy, terms(Results)) of
        true -> ok;
        false ->
            _ = file:del_dir_r(Directory),
            ok = filelib:ensure_path(filename:join(Directory, "priv")),
            Data = filename:join(Directory, Suite ++ "_data"),
            From = filename:join(directory(maps:get(source, Options), App), Suite ++ "_data"),
            [data(From, Data) || filelib:is_dir(From)],
            [ok = file:write_file(Results, io_lib:format("~0tp.~n", [MadeBy])) || Machine =:= erl],
            nodes_of(Machine, App, Suite, Directory, Data, Results, Options)
    end,
    collect(terms(Results)).

is_kept(MadeBy, [MadeBy | Terms]) -> lists:last([none | Terms]) =:= finished;
is_kept(_, _) -> false.

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

collect([{start, Case}, {dead, Case} | Rest]) ->
    [{Case, {failed, "the node died or hung"}, 0} | collect(Rest)];
collect([{done, Case, Outcome, Time} | Rest]) -> [{Case, Outcome, Time} | collect(Rest)];
collect([{unusable, Why} | Rest]) -> [{"(the suite)", {failed, io_lib:format("~0tp", [Why])}, 0} | collect(Rest)];
collect([_ | Rest]) -> collect(Rest);
collect([]) -> [].

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

node_of(Machine, App, Suite, Directory, Data, Results, #{limit := Limit0, only := Only, flags := Flags0} = Options) ->
    Program = maps:get(Machine, Options),
    {Flags, Limit} = case Options of
                         #{gcstress := true} when Machine =:= starling -> {["+gcstress ", Flags0], 5 * Limit0};
                         _ -> {Flags0, Limit0}
                     end,
    Names = [["-sname conformance_", atom_to_list(Machine), "_", os:getpid()] || not maps:get(alone, Options)],
    Words = [Program, Flags, Names, "-noshell -noinput -pa", maps:get(runner, Options), path([ebin, App], Options), "-pz",
             [[path([ebin, Library], Options), " "] || {Library, _} <- ?LIBRARIES],
             "-s conformance_case main -extra", Suite, Data, filename:join(Directory, "priv"), Results,
             integer_to_list(Limit), Only],
    Line = ["exec ", lists:join(" ", Words), " >>log 2>&1"],
    Port = open_port({spawn_executable, "/bin/sh"},
                     [{args, ["-c", lists:flatten(Line)]}, {cd, Directory}, exit_status, in,
                      {env, [{"CONFORMANCE_PROGRAM", Program},
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
