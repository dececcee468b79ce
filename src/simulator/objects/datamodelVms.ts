/** Field tables of VMs, their measures and their devices. See datamodel.ts for the notation. */

/** One line a field: name, wire type, access, first release, default where it is not the type's empty value. */
export const classesOfVms: Readonly<Record<string, string>> = {
  VM: `
    uuid                          string                                RO rio
    allowed_operations            set:enum:vm_operations                RO rio
    current_operations            map:string:enum:vm_operations         RO rio
    name_label                    string                                RW rio
    name_description              string                                RW rio
    power_state                   enum:vm_power_state                   RO rio "Halted"
    user_version                  int                                   RW rio
    is_a_template                 bool                                  RW rio
    is_default_template           bool                                  RA falcon
    suspend_VDI                   ref:VDI                               RA rio
    resident_on                   ref:host                              RO rio
    scheduled_to_be_resident_on   ref:host                              RO rio
    affinity                      ref:host                              RW rio
    memory_overhead               int                                   RO rio
    memory_target                 int                                   RO rio
    memory_static_max             int                                   RX rio
    memory_dynamic_max            int                                   RX rio
    memory_dynamic_min            int                                   RX rio
    memory_static_min             int                                   RX rio
    VCPUs_params                  map:string:string                     RW rio
    VCPUs_max                     int                                   RX rio
    VCPUs_at_startup              int                                   RX rio
    actions_after_softreboot      enum:on_softreboot_behavior           RW 23.1.0 "soft_reboot"
    actions_after_shutdown        enum:on_normal_exit                   RW rio
    actions_after_reboot          enum:on_normal_exit                   RW rio
    actions_after_crash           enum:on_crash_behaviour               RA rio
    consoles                      set:ref:console                       RO rio
    VIFs                          set:ref:VIF                           RO rio
    VBDs                          set:ref:VBD                           RO rio
    VUSBs                         set:ref:VUSB                          RO rio
    crash_dumps                   set:ref:crashdump                     RO rio
    VTPMs                         set:ref:VTPM                          RO rio
    PV_bootloader                 string                                RW rio
    PV_kernel                     string                                RW rio
    PV_ramdisk                    string                                RW rio
    PV_args                       string                                RW rio
    PV_bootloader_args            string                                RW rio
    PV_legacy_args                string                                RW rio
    HVM_boot_policy               string                                RX rio
    HVM_boot_params               map:string:string                     RW rio
    HVM_shadow_multiplier         float                                 RX miami 1
    platform                      map:string:string                     RX rio
    PCI_bus                       string                                RW rio
    other_config                  map:string:string                     RX rio
    domid                         int                                   RO rio
    domarch                       string                                RO rio
    last_boot_CPU_flags           map:string:string                     RO rio
    is_control_domain             bool                                  RO rio
    metrics                       ref:VM_metrics                        RO rio
    guest_metrics                 ref:VM_guest_metrics                  RO rio
    last_booted_record            string                                RO miami
    recommendations               string                                RW rio
    xenstore_data                 map:string:string                     RW miami
    ha_always_run                 bool                                  RX orlando
    ha_restart_priority           string                                RX orlando
    is_a_snapshot                 bool                                  RO orlando
    snapshot_of                   ref:VM                                RO orlando
    snapshots                     set:ref:VM                            RO orlando
    snapshot_time                 datetime                              RO orlando
    transportable_snapshot_id     string                                RO orlando
    blobs                         map:string:ref:blob                   RO orlando
    tags                          set:string                            RW orlando
    blocked_operations            map:enum:vm_operations:string         RA orlando
    snapshot_info                 map:string:string                     RO midnight-ride
    snapshot_metadata             string                                RO midnight-ride
    parent                        ref:VM                                RO midnight-ride
    children                      set:ref:VM                            RO midnight-ride
    bios_strings                  map:string:string                     RA midnight-ride
    protection_policy             ref:VMPP                              RO cowley
    is_snapshot_from_vmpp         bool                                  RO cowley removed
    snapshot_schedule             ref:VMSS                              RX falcon
    is_vmss_snapshot              bool                                  RO falcon
    appliance                     ref:VM_appliance                      RA rio
    start_delay                   int                                   RA boston
    shutdown_delay                int                                   RA boston
    order                         int                                   RA boston
    VGPUs                         set:ref:VGPU                          RO boston
    attached_PCIs                 set:ref:PCI                           RO boston
    suspend_SR                    ref:SR                                RW boston
    version                       int                                   RO boston
    generation_id                 string                                RO clearwater "0:0"
    hardware_platform_version     int                                   RW cream
    has_vendor_device             bool                                  RA dundee true
    requires_reboot               bool                                  RO ely
    reference_label               string                                RO ely
    domain_type                   enum:domain_type                      RX jura "unspecified"
    NVRAM                         map:string:string                     RX naples
    pending_guidances             set:enum:update_guidances             RO 1.303.0
    pending_guidances_recommended set:enum:update_guidances             RO 24.10.0
    pending_guidances_full        set:enum:update_guidances             RO 24.10.0
    groups                        set:ref:VM_group                      RA 24.19.1
    secureboot_certificates_state enum:vm_secureboot_certificates_state RO 26.14.0 "ok"
  `,
  VM_metrics: `
    uuid                string             RO rio
    memory_actual       int                RO rio
    VCPUs_number        int                RO rio
    VCPUs_utilisation   map:int:float      RO rio removed
    VCPUs_CPU           map:int:int        RO rio
    VCPUs_params        map:string:string  RO rio
    VCPUs_flags         map:int:set:string RO rio
    state               set:string         RO rio
    start_time          datetime           RO rio
    install_time        datetime           RO rio
    last_updated        datetime           RO rio
    other_config        map:string:string  RW orlando
    hvm                 bool               RO ely
    nested_virt         bool               RO ely
    nomigrate           bool               RO ely
    current_domain_type enum:domain_type   RO jura "unspecified"
    numa_optimised      bool               RO 26.2.0
    numa_nodes          int                RO 26.2.0
    numa_node_memory    map:int:int        RO 26.2.0
  `,
  VM_guest_metrics: `
    uuid                  string             RO rio
    os_version            map:string:string  RO rio
    netbios_name          map:string:string  RO 24.28.0
    PV_drivers_version    map:string:string  RO rio
    PV_drivers_up_to_date bool               RO rio
    memory                map:string:string  RO rio removed
    disks                 map:string:string  RO rio removed
    networks              map:string:string  RO rio
    other                 map:string:string  RO rio
    last_updated          datetime           RO rio
    other_config          map:string:string  RW orlando
    live                  bool               RO orlando
    can_use_hotplug_vbd   enum:tristate_type RO dundee "unspecified"
    can_use_hotplug_vif   enum:tristate_type RO dundee "unspecified"
    PV_drivers_detected   bool               RO dundee
    services              map:string:string  RO 25.15.0
  `,
  VM_group: `
    uuid             string                RO rio
    name_label       string                RW rio
    name_description string                RW rio
    placement        enum:placement_policy RO 24.19.1 "normal"
    VMs              set:ref:VM            RO 24.19.1
  `,
  VIF: `
    uuid                     string                           RO rio
    allowed_operations       set:enum:vif_operations          RO rio
    current_operations       map:string:enum:vif_operations   RO rio
    device                   string                           RO rio
    network                  ref:network                      RO rio
    VM                       ref:VM                           RO rio
    MAC                      string                           RO rio
    MTU                      int                              RO rio
    other_config             map:string:string                RW rio
    currently_attached       bool                             RO rio
    status_code              int                              RO rio
    status_detail            string                           RO rio
    runtime_properties       map:string:string                RO rio
    qos_algorithm_type       string                           RW rio
    qos_algorithm_params     map:string:string                RW rio
    qos_supported_algorithms set:string                       RO rio
    metrics                  ref:VIF_metrics                  RO rio removed
    MAC_autogenerated        bool                             RO george
    locking_mode             enum:vif_locking_mode            RA tampa "network_default"
    ipv4_allowed             set:string                       RA tampa
    ipv6_allowed             set:string                       RA tampa
    ipv4_configuration_mode  enum:vif_ipv4_configuration_mode RO dundee "None"
    ipv4_addresses           set:string                       RO dundee
    ipv4_gateway             string                           RO dundee
    ipv6_configuration_mode  enum:vif_ipv6_configuration_mode RO dundee "None"
    ipv6_addresses           set:string                       RO dundee
    ipv6_gateway             string                           RO dundee
    trunks                   set:int                          RA 26.17.0
  `,
  VBD: `
    uuid                     string                         RO rio
    allowed_operations       set:enum:vbd_operations        RO rio
    current_operations       map:string:enum:vbd_operations RO rio
    VM                       ref:VM                         RO rio
    VDI                      ref:VDI                        RO rio
    device                   string                         RO rio
    userdevice               string                         RW rio
    bootable                 bool                           RW rio
    mode                     enum:vbd_mode                  RA rio
    type                     enum:vbd_type                  RW rio
    unpluggable              bool                           RW miami true
    storage_lock             bool                           RO rio
    empty                    bool                           RO rio
    other_config             map:string:string              RW rio
    currently_attached       bool                           RO rio
    status_code              int                            RO rio
    status_detail            string                         RO rio
    runtime_properties       map:string:string              RO rio
    qos_algorithm_type       string                         RW rio
    qos_algorithm_params     map:string:string              RW rio
    qos_supported_algorithms set:string                     RO rio
    metrics                  ref:VBD_metrics                RO rio removed
  `,
  VDI: `
    uuid                 string                         RO rio
    name_label           string                         RA rio
    name_description     string                         RA rio
    allowed_operations   set:enum:vdi_operations        RO rio
    current_operations   map:string:enum:vdi_operations RO rio
    SR                   ref:SR                         RO rio
    VBDs                 set:ref:VBD                    RO rio
    crash_dumps          set:ref:crashdump              RO rio
    virtual_size         int                            RX rio
    physical_utilisation int                            RX rio
    type                 enum:vdi_type                  RO rio
    sharable             bool                           RX rio
    read_only            bool                           RX rio
    other_config         map:string:string              RW rio
    storage_lock         bool                           RO rio
    location             string                         RO miami
    managed              bool                           RX rio
    missing              bool                           RX rio
    parent               ref:VDI                        RO rio
    xenstore_data        map:string:string              RW miami
    sm_config            map:string:string              RW miami
    is_a_snapshot        bool                           RX orlando
    snapshot_of          ref:VDI                        RX orlando
    snapshots            set:ref:VDI                    RO orlando
    snapshot_time        datetime                       RX orlando
    tags                 set:string                     RW orlando
    allow_caching        bool                           RA cowley
    on_boot              enum:on_boot                   RA cowley "persist"
    metadata_of_pool     ref:pool                       RX boston
    metadata_latest      bool                           RO boston
    is_tools_iso         bool                           RO dundee
    cbt_enabled          bool                           RA inverness
  `,
  console: `
    uuid         string                RO rio
    protocol     enum:console_protocol RO rio
    location     string                RO rio
    VM           ref:VM                RO rio
    other_config map:string:string     RW rio
  `,
};
