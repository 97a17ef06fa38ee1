%% Sets of suites that have a name on the command line of `conformance`.
-module(conformance_sets).
-export([suites/1]).

%% The words that a name stands for, or `none`.
suites("network") ->
    of_application("kernel", "gen_tcp_api gen_tcp_echo gen_tcp_misc gen_udp inet inet_res inet_sockopt");
%% What the emulator itself does: instructions, terms, built-in functions, processes, code.
suites("emulator") ->
    of_application("emulator",
                   "hello after beam_literals bif big binary bs_bincomp bs_bit_binaries bs_construct bs_match_bin "
                   "bs_match_int bs_match_misc bs_match_tail bs_utf decode_packet evil exception float fun gc guard "
                   "hash hibernate iovec list_bif map match_spec message_queue_data module_info monitor multi_load "
                   "nested nofrag num_bif op persistent_term prim_eval pseudoknot receive ref register time timer_bif "
                   "tuple unique erl_link send_term beam atomics counters small node_container signal code trace "
                   "process");
%% What of the library leans on the emulator, or tells much about it.
suites("stdlib") ->
    of_application("stdlib",
                   "array beam_lib binary_module calendar dict digraph epp erl_lint erl_pp erl_scan ets ets_tough "
                   "filename gen_event gen_server gen_statem io lists maps math proc_lib proplists queue rand random "
                   "re select sets sofs string supervisor sys timer_simple unicode unicode_util uri_string zip");
%% Of these two what takes no more than minutes on both machines together.
suites("quick") ->
    of_application("emulator",
                   "atomics beam_literals big bs_bincomp bs_bit_binaries bs_construct bs_match_bin bs_match_int "
                   "bs_match_misc bs_match_tail bs_utf counters decode_packet evil exception float fun gc guard hibernate "
                   "prim_eval pseudoknot tuple unique") ++
    of_application("stdlib",
                   "array calendar dict digraph erl_lint erl_pp erl_scan filename io lists math proplists queue random re "
                   "sofs sys uri_string zip");
suites(_) -> none.

of_application(App, Names) -> [App ++ "/" ++ Name || Name <- string:lexemes(Names, " ")].
