%% Files through prim_file: opening, reading, writing, positions, and what is known about files.
%% OTP has prim_file loaded; a bare machine loads it here.
%% needs: preloaded modules
-module(file_operations).
-export([main/0]).
-include("show.hrl").
-record(file_info, {size, type, access, atime, mtime, ctime, mode, links, major_device,
                    minor_device, inode, uid, gid}).

main() ->
    catch prim_buffer:on_load(),
    catch prim_file:on_load(),
    Dir = directory(),
    ok = prim_file:make_dir(Dir),
    try
        whole_files(Dir),
        modes(Dir),
        positions(Dir),
        many_pieces(Dir),
        information(Dir),
        bad_arguments(Dir),
        owners(Dir)
    after
        clean(Dir)
    end.

%% A name that no other run has.
directory() ->
    "/tmp/starling_file_operations_" ++ integer_to_list(erlang:system_time())
        ++ integer_to_list(erlang:phash2(make_ref())).

clean(Dir) ->
    {ok, Names} = prim_file:list_dir_all(Dir),
    [prim_file:delete([Dir, $/, Name]) || Name <- Names],
    prim_file:del_dir(Dir).

whole_files(Dir) ->
    File = Dir ++ "/whole",
    ?SHOW(prim_file:read_file(File)),
    ?SHOW(prim_file:write_file(File, <<"hello">>)),
    ?SHOW(prim_file:read_file(File)),
    ?SHOW(prim_file:write_file(File, [<<"more">>, ["than", [$ | <<"hello">>]]])),
    ?SHOW(prim_file:read_file(File)),
    ?SHOW(prim_file:write_file(File, <<>>)),
    ?SHOW(prim_file:read_file(File)),
    Large = binary:copy(<<"0123456789">>, 100000),
    ?SHOW(prim_file:write_file(File, Large)),
    {ok, Back} = prim_file:read_file(File),
    ?SHOW(Back =:= Large),
    ?SHOW(prim_file:read_file(Dir)),
    ?SHOW(prim_file:read_file(File ++ "/below")),
    ?SHOW(prim_file:read_file("")),
    {ok, Self} = prim_file:read_file("/proc/self/status"),
    ?SHOW(byte_size(Self) > 100),
    ?SHOW(prim_file:delete(File)),
    ?SHOW(prim_file:delete(File)).

modes(Dir) ->
    File = Dir ++ "/modes",
    ?SHOW(prim_file:open(File, [read])),
    {ok, New} = prim_file:open(File, [exclusive]),
    ?SHOW(prim_file:write(New, "12345")),
    ?SHOW(prim_file:read(New, 1)),
    ?SHOW(prim_file:close(New)),
    ?SHOW(prim_file:open(File, [exclusive])),
    {ok, Read} = prim_file:open(File, [read]),
    ?SHOW(prim_file:write(Read, "x")),
    ?SHOW(prim_file:truncate(Read)),
    ?SHOW(prim_file:read(Read, 3)),
    ?SHOW(prim_file:read(Read, 3)),
    ?SHOW(prim_file:read(Read, 3)),
    ?SHOW(prim_file:close(Read)),
    {ok, Both} = prim_file:open(File, [read, write]),
    ?SHOW(prim_file:read(Both, 2)),
    ?SHOW(prim_file:write(Both, "xy")),
    ?SHOW(prim_file:position(Both, bof)),
    ?SHOW(prim_file:read(Both, 100)),
    ?SHOW(prim_file:close(Both)),
    {ok, Append} = prim_file:open(File, [read, append]),
    ?SHOW(prim_file:write(Append, "end")),
    ?SHOW(prim_file:pwrite(Append, 0, "END")),
    ?SHOW(prim_file:pread(Append, 0, 100)),
    ?SHOW(prim_file:close(Append)),
    ?SHOW(prim_file:close(Append)),
    ?SHOW(prim_file:read(Append, 1)),
    {ok, Empty} = prim_file:open(File, [write]),
    ?SHOW(prim_file:read_file(File)),
    ?SHOW(prim_file:close(Empty)),
    ?SHOW(prim_file:open(Dir, [read])),
    ?SHOW(prim_file:open(Dir, [write])),
    ?SHOW(prim_file:open(File, [directory])),
    {ok, Directory} = prim_file:open(Dir, [read, directory]),
    ?SHOW(prim_file:read(Directory, 1)),
    ?SHOW(prim_file:close(Directory)),
    ?SHOW(prim_file:open(Dir ++ "/no/such", [write])),
    ?SHOW(prim_file:delete(File)).

positions(Dir) ->
    File = Dir ++ "/positions",
    {ok, Fd} = prim_file:open(File, [read, write]),
    ?SHOW(prim_file:write(Fd, "0123456789")),
    [?SHOW({At, prim_file:position(Fd, At)})
     || At <- [bof, eof, cur, 3, {bof, 4}, {cur, 2}, {cur, -7}, {eof, -3}, {eof, 5}, {bof, -1}, {cur, -100}]],
    ?SHOW(prim_file:read(Fd, 1)),
    ?SHOW(prim_file:position(Fd, {eof, 5})),
    ?SHOW(prim_file:write(Fd, "after")),
    ?SHOW(prim_file:pread(Fd, 8, 20)),
    ?SHOW(prim_file:pread(Fd, [{0, 2}, {100, 2}, {18, 9}])),
    ?SHOW(prim_file:pwrite(Fd, [{2, "ab"}, {0, <<"cd">>}])),
    ?SHOW(prim_file:pread(Fd, 0, 6)),
    ?SHOW(prim_file:position(Fd, cur)),
    ?SHOW(prim_file:position(Fd, 4)),
    ?SHOW(prim_file:truncate(Fd)),
    ?SHOW(prim_file:read_file(File)),
    ?SHOW(prim_file:position(Fd, 7)),
    ?SHOW(prim_file:truncate(Fd)),
    ?SHOW(prim_file:read_file(File)),
    ?SHOW(prim_file:allocate(Fd, 0, 20)),
    ?SHOW(prim_file:pread(Fd, 0, 100)),
    [?SHOW(prim_file:advise(Fd, 0, 10, Advice))
     || Advice <- [normal, random, sequential, will_need, dont_need, no_reuse, other]],
    ?SHOW(prim_file:sync(Fd)),
    ?SHOW(prim_file:datasync(Fd)),
    %% Size and pointer, then what the pointer leads to.
    ?SHOW(prim_file:pwrite(Fd, 0, <<4:32, 30:32, 100:32, 10:32, 0:32, 0:32, "......payload">>)),
    [?SHOW({At, Max, prim_file:ipread_s32bu_p32bu(Fd, At, Max)})
     || {At, Max} <- [{0, 100}, {0, 3}, {8, 100}, {8, infinity}, {16, 100}, {40, 100}, {-1, 1}, {0, 1 bsl 31}]],
    ?SHOW(prim_file:close(Fd)).

%% More binaries than one call writes.
many_pieces(Dir) ->
    File = Dir ++ "/pieces",
    Pieces = [binary:copy(<<I>>, 100 + I) || I <- lists:seq(1, 200)],
    Whole = iolist_to_binary(Pieces),
    {ok, Fd} = prim_file:open(File, [read, write, {read_ahead, 1000}]),
    ?SHOW(prim_file:write(Fd, Pieces)),
    ?SHOW(prim_file:position(Fd, bof)),
    {ok, Part} = prim_file:read(Fd, 777),
    {ok, Next} = prim_file:read(Fd, 100000000),
    ?SHOW(<<Part/binary, Next/binary>> =:= Whole),
    ?SHOW(prim_file:pwrite(Fd, 5, Pieces)),
    {ok, Shifted} = prim_file:pread(Fd, 5, byte_size(Whole)),
    ?SHOW(Shifted =:= Whole),
    <<_:4, Odd:800/bitstring, _/bitstring>> = Whole,
    ?SHOW(prim_file:pwrite(Fd, 0, Odd)),
    ?SHOW(prim_file:pread(Fd, 0, 100) =:= {ok, id(Odd)}),
    ?SHOW(prim_file:position(Fd, 0)),
    ?SHOW(prim_file:write(Fd, "one\ntwo\r\nthree")),
    ?SHOW(prim_file:truncate(Fd)),
    ?SHOW(prim_file:position(Fd, 0)),
    [?SHOW(prim_file:read_line(Fd)) || _ <- lists:seq(1, 4)],
    ?SHOW(prim_file:close(Fd)).

information(Dir) ->
    File = Dir ++ "/info",
    ok = prim_file:write_file(File, "12345"),
    {ok, Info} = prim_file:read_file_info(File, [{time, posix}]),
    #file_info{size = Size, type = Type, access = Access, mode = Mode, links = Links} = Info,
    ?SHOW({Size, Type, Access, Mode, Links}),
    Now = erlang:system_time(second),
    ?SHOW([abs(T - Now) < 100 || T <- [Info#file_info.atime, Info#file_info.mtime, Info#file_info.ctime]]),
    {ok, Fd} = prim_file:open(File, [read]),
    ?SHOW(prim_file:read_handle_info(Fd, [{time, posix}]) =:= {ok, Info}),
    prim_file:close(Fd),
    ?SHOW(prim_file:write_file_info(File, #file_info{mode = 8#640, atime = 1000, mtime = 2000}, [{time, posix}])),
    {ok, Changed} = prim_file:read_file_info(File, [{time, posix}]),
    ?SHOW({Changed#file_info.mode, Changed#file_info.atime, Changed#file_info.mtime}),
    {ok, Universal} = prim_file:read_file_info(File, [{time, universal}]),
    ?SHOW({Universal#file_info.atime, Universal#file_info.mtime}),
    ?SHOW(prim_file:write_file_info(File ++ "x", #file_info{mode = 8#640})),
    {ok, Device} = prim_file:read_file_info("/dev/null"),
    ?SHOW(Device#file_info.type),
    ?SHOW(prim_file:read_file_info(File ++ "x")),
    ?SHOW(prim_file:read_file_info(File ++ "/x")),
    {ok, #file_info{type = Directory}} = prim_file:read_file_info(Dir),
    ?SHOW(Directory).

bad_arguments(Dir) ->
    File = Dir ++ "/bad",
    {ok, Fd} = prim_file:open(File, [read, write]),
    [?TRY(prim_file:read(Fd, id(N))) || N <- [-1, a, 1.5, 1 bsl 70]],
    [?TRY(prim_file:pread(Fd, id(N), 1)) || N <- [-1, a, 1.5, 1 bsl 63]],
    [?TRY(prim_file:pwrite(Fd, id(N), "x")) || N <- [-1, a, 1.5, 1 bsl 63]],
    [?TRY(prim_file:position(Fd, id(N))) || N <- [-1, a, 1.5, 1 bsl 63, {bof, a}, {top, 1}]],
    [?TRY(prim_file:allocate(Fd, id(N), 1)) || N <- [-1, a, 1 bsl 63]],
    [?TRY(prim_file:allocate(Fd, 0, id(N))) || N <- [-1, a, 0]],
    [?TRY(prim_file:advise(Fd, id(N), 1, normal)) || N <- [-1, a]],
    [?TRY(prim_file:write(Fd, id(Data))) || Data <- [a, [a], [1 | 2], [256], <<1:7>>, [<<1:1>>]]],
    ?TRY(prim_file:open(id(a), [read])),
    ?TRY(prim_file:open(File, id(read))),
    ?TRY(prim_file:open(id([0]), [read])),
    {ok, Other} = prim_file:open(File, [nonsense, {more, nonsense}, 1]),
    ?SHOW(prim_file:close(Other)),
    ?TRY(prim_file:read_file(id({}))),
    ?TRY(prim_file:altname(File)),
    ?TRY(prim_file:get_cwd("c:")),
    ?TRY(prim_file:get_cwd(".")),
    ?TRY(prim_file:file_desc_to_ref(id(-1), [])),
    ?TRY(prim_file:file_desc_to_ref(id(a), [])),
    ?SHOW(byte_size(prim_file:get_handle(Fd))),
    ?SHOW(prim_file:close(Fd)),
    ?SHOW(prim_file:get_handle(Fd)),
    ?SHOW(prim_file:position(Fd, 0)),
    ?SHOW(prim_file:read_handle_info(Fd)).

%% A file belongs to the process that opened it, and is closed with it.
owners(Dir) ->
    File = Dir ++ "/owned",
    Self = self(),
    {Pid, Monitor} = spawn_monitor(fun() ->
                                           {ok, Fd} = prim_file:open(File, [read, write]),
                                           ok = prim_file:write(Fd, "owned"),
                                           Self ! {opened, Fd},
                                           receive stop -> ok end
                                   end),
    receive
        {opened, Fd} ->
            ?TRY(prim_file:read(Fd, 1)),
            Pid ! stop,
            receive {'DOWN', Monitor, process, Pid, Reason} -> ?SHOW(Reason) end,
            closed(setelement(3, Fd, (element(3, Fd))#{owner := Self}))
    end,
    ?SHOW(prim_file:read_file(File)).

%% Who could take a file over would find it closed.
closed(Fd) ->
    receive after 50 -> ok end,
    ?SHOW(prim_file:read_handle_info(Fd)).
