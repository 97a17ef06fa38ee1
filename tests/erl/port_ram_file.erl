%% Files in memory: the commands that OTP's ram_file sends to ram_file_drv, and what it answers.
-module(port_ram_file).
-export([main/0]).
-include("show.hrl").

-define(OPEN, 1).
-define(READ, 2).
-define(SEEK, 3).
-define(WRITE, 4).
-define(SYNC, 9).
-define(TRUNCATE, 14).
-define(PREAD, 17).
-define(PWRITE, 18).
-define(DATASYNC, 19).
-define(GET, 30).
-define(SIZE, 37).
-define(ADVISE, 38).
-define(ALLOCATE, 39).

main() ->
    process_flag(trap_exit, true),
    F = open_port({spawn, "ram_file_drv"}, []),
    ?SHOW(erlang:port_info(F, name)),
    ?SHOW(erlang:port_info(F, os_pid)),
    ?SHOW(erlang:port_info(F, locking)),
    ?SHOW(call(F, <<?SYNC>>)),
    ?SHOW(call(F, <<?SEEK, 0:32, 0:32>>)),
    ?SHOW(call(F, <<?OPEN, 3:32, "hello world">>)),
    ?SHOW(call(F, <<?READ, 5:32>>)),
    ?SHOW(call(F, <<?READ, 100:32>>)),
    ?SHOW(call(F, <<?READ, 1:32>>)),
    ?SHOW(call(F, <<?READ, 0:32>>)),
    ?SHOW(call(F, <<?SEEK, 6:32, 0:32>>)),
    ?SHOW(call(F, [?WRITE, "the", [<<"re, ">>], "you!"])),
    ?SHOW(call(F, <<?GET>>)),
    ?SHOW(call(F, <<?SIZE>>)),
    ?SHOW(call(F, <<?SEEK, -3:32, 1:32>>)),
    ?SHOW(call(F, <<?SEEK, 4:32, 2:32>>)),
    ?SHOW(call(F, <<?SEEK, -1:32, 0:32>>)),
    ?SHOW(call(F, <<?SEEK, 0:32, 7:32>>)),
    ?SHOW(call(F, <<?PWRITE, 20:32, "far">>)),
    ?SHOW(call(F, <<?PREAD, 10:32, 13:32>>)),
    ?SHOW(call(F, <<?PREAD, 100:32, 1:32>>)),
    ?SHOW(call(F, <<?PWRITE, -1:32, "x">>)),
    ?SHOW(call(F, <<?PREAD, -1:32, 1:32>>)),
    ?SHOW(call(F, <<?SEEK, 3:32, 0:32>>)),
    ?SHOW(call(F, <<?TRUNCATE>>)),
    ?SHOW(call(F, <<?GET>>)),
    ?SHOW(call(F, <<?SEEK, 6:32, 0:32>>)),
    ?SHOW(call(F, <<?TRUNCATE>>)),
    ?SHOW(call(F, <<?SIZE>>)),
    ?SHOW(call(F, <<?GET>>)),
    ?SHOW([call(F, <<Op, 0:64, 0:64, 0:32>>) || Op <- [?SYNC, ?DATASYNC, ?ADVISE, ?ALLOCATE]]),
    ?SHOW(call(F, <<99>>)),
    ?SHOW(erlang:port_info(F, output)),
    ?SHOW(port_close(F)),
    ?SHOW(receive {'EXIT', F, Reason} -> Reason end),
    ?TRY(port_command(F, "x")),
    B = open_port({spawn_driver, "ram_file_drv"}, [binary]),
    ?SHOW(call(B, <<?OPEN, 1:32, "binary">>)),
    ?SHOW(call(B, <<?READ, 3:32>>)),
    ?SHOW(call(B, <<?READ, 0:32>>)),
    ?SHOW(call(B, <<?GET>>)),
    ?SHOW(call(B, <<?WRITE, "x">>)),
    ?SHOW(call(B, <<?TRUNCATE>>)),
    W = open_port({spawn, "ram_file_drv with words"}, []),
    ?SHOW(call(W, <<?OPEN, 2:32>>)),
    ?SHOW(call(W, <<?READ, 1:32>>)),
    ?SHOW(call(W, [?WRITE, binary:copy(<<"x">>, 5000)])),
    ?SHOW(call(W, <<?SIZE>>)),
    ?TRY(port_control(W, 1, "x")),
    ?SHOW(is_list([port_close(P) || P <- [B, W]])).

call(Port, Command) ->
    true = port_command(Port, Command),
    receive {Port, {data, Data}} -> Data after 50 -> no_answer end.
